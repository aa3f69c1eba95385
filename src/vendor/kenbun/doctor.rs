use super::Kenbun;
use crate::vendor::Check;
impl Kenbun {
    pub(super) async fn examine(&self) -> Vec<Check> {
        Vec::new()
    }
}

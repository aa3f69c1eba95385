use super::pty::Start;
#[test]
fn smoke() {
    let mut pty = Start::switchboard(&["demo"]).start();
    let code = pty.wait_exit();
    println!("{code} {}\n{:?}", pty.screen(), String::from_utf8_lossy(&pty.written()));
    pty.assert_restored();
}

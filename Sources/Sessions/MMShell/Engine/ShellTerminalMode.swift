import Glibc
import MMSystem

/// The modes of a session's terminal, by the path of its slave.
enum ShellTerminalMode {
    /// Restores the modes that a command may have changed: line mode, echo and signals on.
    /// - Parameter isScreen: whether line ends are translated, as full-screen programs need; otherwise output must stay
    ///   exact.
    static func restore(_ path: String, isScreen: Bool = false) {
        with(path) { descriptor, mode in
            mode.c_iflag = tcflag_t(ICRNL | IXANY) & ~tcflag_t(IXANY)
            mode.c_oflag = isScreen ? mode.c_oflag | tcflag_t(OPOST | ONLCR) : mode.c_oflag & ~tcflag_t(ONLCR)
            mode.c_lflag = tcflag_t(ICANON | ISIG | ECHO | ECHOE | ECHOK | IEXTEN)
            tcsetattr(descriptor, TCSANOW, &mode)
            // Input that was typed for the last command must not reach the next one.
            tcflush(descriptor, TCIFLUSH)
        }
    }

    /// Returns whether echo is off while lines are read, which means that a program asks for a secret.
    static func hidesInput(_ path: String) -> Bool {
        var hides = false
        with(path) { _, mode in
            hides = mode.c_lflag & tcflag_t(ECHO) == 0 && mode.c_lflag & tcflag_t(ICANON) != 0
        }
        return hides
    }

    private static func with(_ path: String, _ body: (Int32, inout termios) -> Void) {
        let descriptor = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var mode = termios()
        if tcgetattr(descriptor, &mode) == 0 { body(descriptor, &mode) }
    }
}

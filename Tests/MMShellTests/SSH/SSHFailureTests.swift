import MMCore
import Testing

@testable import MMShell

@Suite("Reading the messages of ssh")
struct SSHFailureTests {
    @Test(
        "a refused password is recognised before ssh has tried every method",
        arguments: [
            ("Permission denied, please try again.", true, "authentication"),
            ("user@host: Permission denied (publickey,password).", false, "authentication"),
            ("WARNING: Your password has expired.", true, "password_expired"),
            ("You are required to change your password immediately.", true, "password_expired"),
        ])
    func passwords(words: String, isEarly: Bool, reason: String) {
        #expect(SSHFailure.isRefusedPassword(words) == isEarly)
        let error = SSHFailure.error(words, name: "user@host", target: SSHTarget("host"))
        #expect(error.details["reason"]?.string == reason)
        #expect(error.code == .forbidden)
    }

    @Test(
        "a host that accepts passwords is recognised, so that a person can be asked",
        arguments: [
            ("user@host: Permission denied (publickey,password).", true),
            ("user@host: Permission denied (publickey,keyboard-interactive).", true),
            ("Permission denied, please try again.", true), ("user@host: Permission denied (publickey).", false),
            ("Too many authentication failures", false),
        ])
    func takesPasswords(words: String, doesTake: Bool) {
        let error = SSHFailure.error(words, name: "user@host:22", target: SSHTarget("host"))
        #expect(error.details["takesPassword"]?.string == (doesTake ? "user@host:22" : nil))
        #expect(error.hint?.contains("password_secret") == doesTake)
    }

    @Test(
        "a password that must be changed before a shell starts is named, also for those who sign in with a key",
        arguments: [
            ("WARNING: Your password has expired.\nPassword change required but no TTY available.", "password_expired"),
            ("This account is currently not available.", "no_shell"),
        ])
    func expiredBeforeShell(words: String, reason: String) {
        let error = SSHFailure.noShell(
            "user@host:22", words: words, hasEnded: true, target: SSHTarget("host", user: "user"))
        #expect(error.details["reason"]?.string == reason)
        #expect(error.hint?.contains("ssh user@host") == (reason == "password_expired"))
    }

    @Test(
        "a further question is told in one line, and one for a new password as what it is",
        arguments: [
            ("Duo for ann\n 1. Push\nCode: ", "question", "“Duo for ann ·  1. Push · Code: ”"),
            (
                "You are required to change your password immediately.\nCurrent password: ", "password_expired",
                "expired"
            ),
            ("\u{1B}[2JCode: ", "question", "“\\u{1b}[2JCode: ”"),
        ])
    func furtherQuestion(question: String, reason: String, words: String) {
        let error = SSHFailure.question(question, name: "ann@web1:22", target: SSHTarget("web1", user: "ann"))
        #expect(error.details["reason"]?.string == reason)
        #expect(error.message.contains(words), "\(error.message)")
    }

    @Test(
        "a message at the end of a sentence ends it once",
        arguments: ["Connection to web1 closed by remote host.", "Connection to web1 closed by remote host", ""])
    func sentence(words: String) {
        let message = SSHFailure.error(words, name: "ann@web1:22", target: SSHTarget("web1")).message
        #expect(message.hasSuffix(".") && !message.hasSuffix(".."), "\(message)")
    }

    @Test(
        "a host behind a jump host or a ProxyCommand that fails is told with the words of that",
        arguments: [
            (
                "/bin/sh: 1: exec: nc: not found\r\nConnection closed by UNKNOWN port 65535",
                "ProxyCommand: /bin/sh: 1: exec: nc: not found."
            ),
            (
                "kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535",
                "ProxyCommand."
            ),
            ("Connection to UNKNOWN port 65535 timed out", "ProxyCommand."),
        ])
    func wayThere(words: String, end: String) {
        let error = SSHFailure.error(words, name: "ann@web1:22", target: SSHTarget("web1"))
        #expect(error.code == .unavailable)
        #expect(error.message.hasSuffix(end) && error.hint?.contains("ssh -v web1") == true, "\(error)")
    }

    @Test("a sign-in that ended before every key was tried says how to name the right one")
    func tooManyKeys() {
        let words = "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures"
        let error = SSHFailure.error(words, name: "ann@web1:22", target: SSHTarget("web1"))
        #expect(error.code == .forbidden)
        #expect(error.details["reason"]?.string == "authentication")
        #expect(error.hint?.contains("IdentitiesOnly") == true)
    }

    @Test("a slow host hasn't refused anything")
    func silence() {
        #expect(!SSHFailure.isRefusedPassword("Authenticated to host using \"publickey\"."))
    }
}

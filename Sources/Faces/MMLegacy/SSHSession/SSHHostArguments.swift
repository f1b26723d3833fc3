import MMCore
import MMOperations
import MMShell

/// The host that a call of the SSH tools refers to, with its settings from the environment (`OVRD_<host>_HOST`,
/// `_PORT`, `_USER`, `_PASS`, `_KEY`, `_SUDO_PASS`, `_ENABLE_PASS`).
struct SSHHostArguments: Sendable {
    let arguments: ToolArguments
    let environment: [String: String]
    /// The host as the caller named it.
    let host: String

    init(_ arguments: ToolArguments, environment: [String: String]) throws(MMError) {
        guard let host = arguments.text("host") else { throw MMError(.invalidInput, "host is required") }
        self.arguments = arguments
        self.environment = environment
        self.host = host
    }

    private func override(_ name: String) -> String? {
        environment["OVRD_\(host)_\(name)"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Registers a given secret, so that it is redacted from everything sent out from then on.
    private func held(_ text: String?) -> Secret? {
        guard let secret = text.map({ Secret($0) }) else { return nil }
        HeldSecrets.shared.hold(secret)
        return secret
    }

    /// The password for `sudo` on the host.
    var sudoPassword: Secret? { held(arguments.text("sudo_password") ?? override("SUDO_PASS")) }
    /// The password for privileged mode on a network device.
    var enablePassword: Secret? { held(arguments.text("enable_password") ?? override("ENABLE_PASS")) }

    /// The target, before general settings are applied. Keys of new hosts are accepted, changed ones refused.
    var target: SSHTarget {
        get throws(MMError) {
            var target = SSHTarget(override("HOST") ?? host)
            target.user = override("USER") ?? arguments.text("username")
            target.port = override("PORT").flatMap { Int($0) } ?? arguments.number("port")
            target.password = held(override("PASS") ?? arguments.text("password"))
            target.identityFile = override("KEY") ?? arguments.text("key_filename")
            // If a key file is given, the password also decrypts it, as in the ssh-session server's library.
            if target.identityFile != nil { target.passphrase = target.password }
            target.hostKeys = .acceptNew
            return target
        }
    }
}

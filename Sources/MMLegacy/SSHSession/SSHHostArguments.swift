import MMCore
import MMOperations
import MMShell

/// Which host a call of the SSH tools means, with what the environment says of it (`OVRD_<host>_HOST`, `_PORT`, `_USER`,
/// `_PASS`, `_KEY`, `_SUDO_PASS`, `_ENABLE_PASS`).
struct SSHHostArguments: Sendable {
    let arguments: ToolArguments
    let environment: [String: String]
    /// The host as it was named.
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

    /// What is given is known from then on, and taken out of all that leaves.
    private func held(_ text: String?) -> Secret? {
        guard let secret = text.map({ Secret($0) }) else { return nil }
        HeldSecrets.shared.hold(secret)
        return secret
    }

    /// The password for `sudo` there.
    var sudoPassword: Secret? { held(arguments.text("sudo_password") ?? override("SUDO_PASS")) }
    /// The password for more rights on a device.
    var enablePassword: Secret? { held(arguments.text("enable_password") ?? override("ENABLE_PASS")) }

    /// The target, before anything general is added. Keys of new hosts are accepted, changed ones refused.
    var target: SSHTarget {
        get throws(MMError) {
            var target = SSHTarget(override("HOST") ?? host)
            target.user = override("USER") ?? arguments.text("username")
            target.port = override("PORT").flatMap { Int($0) } ?? arguments.number("port")
            target.password = held(override("PASS") ?? arguments.text("password"))
            target.identityFile = override("KEY") ?? arguments.text("key_filename")
            // The same word opens an encrypted key where one was named, as the ssh-session server's library did.
            if target.identityFile != nil { target.passphrase = target.password }
            target.hostKeys = .acceptNew
            return target
        }
    }
}

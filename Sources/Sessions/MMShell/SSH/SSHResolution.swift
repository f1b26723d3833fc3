import MMCore
import MMSystem

/// What ssh's configuration makes of a target (`ssh -G`).
struct SSHResolution: Sendable {
    /// `user@host:port`.
    let name: String
    /// `user@host` as ssh writes it when it asks for a password.
    let account: String
    /// Whether the host is reached over others.
    let hasJump: Bool
    /// The private keys that are tried.
    let keys: [String]
    /// How long the configuration waits for a connection; `nil` where it says nothing.
    let connectTimeout: Duration?

    /// Asks ssh.
    /// - Throws: `.invalidInput` when it does not accept the configuration.
    static func of(_ target: SSHTarget, _ arguments: [String], program: String, environment: [String: String])
        async throws(MMError) -> SSHResolution
    {
        let command = ChildCommand(program, arguments + ["-G", "--", target.host], environment: environment)
        let outcome = try await ChildProcess.run(command, limit: 1 << 20, timeout: .seconds(20))
        guard outcome.exit == .status(0) else {
            throw MMError(
                .invalidInput, "ssh does not accept the configuration for \(target.host).",
                hint: "Read what it says and correct ssh_config.",
                cause: String(decoding: outcome.error.prefix(1000), as: UTF8.self))
        }
        return SSHResolution(String(decoding: outcome.output, as: UTF8.self), target)
    }

    private init(_ text: String, _ target: SSHTarget) {
        var values: [Substring: Substring] = [:]
        var keys: [String] = []
        for line in text.split(separator: "\n") {
            guard let blank = line.firstIndex(of: " ") else { continue }
            let value = line[line.index(after: blank)...]
            if line[..<blank] == "identityfile" { keys.append(String(value)) }
            values[line[..<blank]] = value
        }
        let user = values["user"] ?? ""
        let host = values["hostname"] ?? Substring(target.host)
        name = "\(user)@\(host):\(values["port"] ?? "22")"
        account = "\(user)@\(values["hostkeyalias"] ?? host)"
        hasJump = target.jump != nil || values["proxyjump"].map { $0 != "none" } ?? false
        self.keys = keys
        connectTimeout = values["connecttimeout"].flatMap { Int64($0) }.map { .seconds($0) }
    }
}

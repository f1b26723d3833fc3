import Glibc
import MMCore
import MMSystem

/// The private folder of one connection: its control socket, its log, and the way in which ssh gets its secrets.
///
/// A secret lies in a pipe with a name that only this user can open, never in a file, an argument or a variable. The
/// little script that ssh runs to ask answers only questions for passwords and passphrases; it refuses all others, such
/// as whether a host key is to be believed.
final class SSHSecrets: Sendable {
    let path: String
    private let pipes: [OwnedDescriptor]

    var socket: String { path + "/s" }
    var log: String { path + "/log" }
    private var script: String { path + "/ask" }
    var keyScript: String { path + "/key" }
    let asks: Bool

    /// A configuration for the host and those on the way to it, where there are any.
    let configuration: String?

    init(in parent: String, target: SSHTarget, _ resolution: SSHResolution, home: String?) throws(MMError) {
        var made: String?
        // The name of a Unix socket is short.
        for place in [parent, "/tmp"]
        where made == nil && place.utf8.count < 60 && !place.contains("'") && !place.contains("%")
            && !place.contains(" ")
        {
            var name = Array((place + "/mm-ssh-XXXXXX").utf8CString)
            if mkdtemp(&name) != nil {
                made = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        guard let path = made else { throw SystemError.error("Creating a folder in \(parent)") }
        self.path = path
        configuration = resolution.hasJump ? path + "/config" : nil
        var pipes: [OwnedDescriptor] = []
        asks = target.password != nil || target.passphrase != nil
        if asks {
            for (name, secret) in [("w", target.password), ("p", target.passphrase)] {
                guard let secret else { continue }
                guard mkfifo("\(path)/\(name)", 0o600) == 0 else {
                    throw SystemError.error("Creating a pipe in \(path)")
                }
                // Opened for both ends it neither waits for a reader nor ever tells one that it is over.
                let pipe = OwnedDescriptor(try FileDescriptor.open("\(path)/\(name)", O_RDWR | O_NONBLOCK | O_NOFOLLOW))
                let bytes = Array(secret.reveal().utf8) + [0x0A]
                _ = write(pipe.raw, bytes, bytes.count)
                pipes.append(pipe)
            }
        }
        self.pipes = pipes
        if asks {
            // Each secret is told once: who asks again did not take it, and would wait at an empty pipe.
            try Self.store(
                """
                #!/bin/sh
                case $1 in
                *yes/no*) exit 1 ;;
                *assphrase*) f=p ;;
                \(resolution.hasJump ? "*\(RemoteDialect.quoted(resolution.account))*" : "")*assword*) f=w ;;
                *) exit 1 ;;
                esac
                mv '\(path)'/$f '\(path)'/$f.told 2>/dev/null || exit 1
                IFS= read -r secret <'\(path)'/$f.told && printf '%s\\n' "$secret"

                """, in: script)
        }
        if let configuration { try Self.store(Self.words(for: target, asks: asks, home: home), in: configuration) }
        if case .pinned(let fingerprint) = target.hostKeys {
            try Self.store(
                "#!/bin/sh\n[ \"$1\" = '\(fingerprint)' ] && printf '%s %s %s\\n' \"$4\" \"$2\" \"$3\"\nexit 0\n",
                in: keyScript)
        }
    }

    /// What counts for jump hosts too, in front of the user's own configuration: ssh takes the first value that it finds.
    private static func words(for target: SSHTarget, asks: Bool, home: String?) -> String {
        var lines = [
            "BatchMode \(asks ? "no" : "yes")",
            "StrictHostKeyChecking \(target.hostKeys == .acceptNew ? "accept-new" : "yes")",
        ]
        if let file = target.knownHostsFile {
            lines += ["UserKnownHostsFile \"\(SSHMaster.expanded(file, home))\"", "GlobalKnownHostsFile none"]
        }
        switch target.configFile {
        case "none"?: break
        case let file?: lines.append("Include \"\(SSHMaster.expanded(file, home))\"")
        case nil: lines += ["Include ~/.ssh/config", "Include /etc/ssh/ssh_config"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The log, for what else may speak of the connection.
    func openLog() throws(MMError) -> OwnedDescriptor {
        OwnedDescriptor(try FileDescriptor.open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600))
    }

    private static func store(_ text: String, in file: String) throws(MMError) {
        let descriptor = try FileDescriptor.open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o700)
        let bytes = Array(text.utf8)
        guard write(descriptor.raw, bytes, bytes.count) == bytes.count else {
            throw SystemError.error("Writing \(file)")
        }
    }

    /// What makes ssh ask here and nowhere else.
    var environment: [String: String] {
        asks ? ["SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"] : [:]
    }

    /// What ssh wrote about the connection.
    func messages() -> String {
        String(decoding: ProcFile.read(log, limit: 16 << 10) ?? [], as: UTF8.self)
    }

    deinit {
        for name in ["s", "log", "ask", "key", "config", "w", "p", "w.told", "p.told"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

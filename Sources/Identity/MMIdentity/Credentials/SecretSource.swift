internal import Glibc
public import MMCore
internal import MMSystem

/// The location of a secret. It is read for each use, so that a new secret takes effect at once.
public enum SecretSource: Sendable {
    /// In memory.
    case value(Secret)
    /// In a file that only its owner can read, or, as `/dev/fd/3`, in a file descriptor that this process was handed.
    case file(String)
    /// In an environment variable.
    case variable(String)

    private static let limit = 256 << 10

    /// Reads the secret, without surrounding white space.
    /// - Parameters:
    ///   - what: what the secret is, for messages: "the client secret".
    ///   - connection: the connection that it belongs to.
    ///   - environment: the environment variables.
    ///   - isMounted: whether the file may be one that Kubernetes mounts: behind links, root's and readable for
    ///     everybody in the container. Such tokens live for minutes.
    func read(
        _ what: String, of connection: String, environment: [String: String], isMounted: Bool = false
    ) async throws(MMError) -> Secret {
        guard case .file(let path) = self, HandedDescriptor.isNamed(by: path) else {
            return try readNow(what, of: connection, environment: environment, isMounted: isMounted)
        }
        // The writer of a pipe may take a while, which must not block the cooperative pool.
        return try await BlockingWork.run { () throws(MMError) in
            try readNow(what, of: connection, environment: environment)
        }
    }

    /// Reads the secret like `read`, on a thread that may block.
    /// - Parameter isPassword: whether spaces around it belong to it.
    func readNow(
        _ what: String, of connection: String, environment: [String: String], isMounted: Bool = false,
        isPassword: Bool = false
    ) throws(MMError) -> Secret {
        let text: String
        switch self {
        case .value(let secret): text = secret.reveal()
        case .file(let path):
            let place = isMounted ? RealPath.of(path) ?? path : path
            let isAdmitted = { (status: stat) in
                ProtectedFile.isPrivate(status)
                    || isMounted
                        && Self.isMountedToken(
                            owner: status.st_uid, reader: geteuid(), isReadOnly: Self.isReadOnly(place))
            }
            var found = try HandedDescriptor.bytes(path, limit: Self.limit)
            if found == nil { found = try ProtectedFile.read(place, limit: Self.limit, isAdmitted: isAdmitted) }
            guard let bytes = found else {
                throw missing(
                    "\(what) of \(connection) is missing: the file \(path) does not exist", "Create it with mode 0600.")
            }
            guard let read = String(validating: bytes, as: UTF8.self) else {
                throw missing("\(what) of \(connection) in \(path) isn't text", "Write it as plain text.")
            }
            text = read
        case .variable(let name):
            guard let value = environment[name] else {
                throw missing(
                    "\(what) of \(connection) is missing: the variable \(name) is not set",
                    "Set it for the process that signs in. A running pool keeps the variables that it was started with: "
                        + "mm pool restart."
                )
            }
            text = value
        }
        let plain = SecretFile.plain(text)
        let secret = Secret(isPassword ? plain : plain.trimmed)
        guard !secret.isEmpty else {
            throw missing("\(what) of \(connection) is empty (\(place))", "Put the secret itself there.")
        }
        HeldSecrets.shared.hold(secret)
        return secret
    }

    /// The location without the secret, for messages.
    var place: String {
        switch self {
        case .value: "given by the program"
        case .file(let path): path
        case .variable(let name): "variable \(name)"
        }
    }

    /// Returns whether a file that others may read is one that Kubernetes mounts. A process of root, to whom its own
    /// loose files look the same, recognises it by the mount, which can't be written.
    static func isMountedToken(owner: uid_t, reader: uid_t, isReadOnly: Bool) -> Bool {
        owner == 0 && (reader != 0 || isReadOnly)
    }

    private static func isReadOnly(_ path: String) -> Bool {
        var mount = statvfs()
        return statvfs(path, &mount) == 0 && mount.f_flag & UInt(ST_RDONLY) != 0
    }

    private func missing(_ what: String, _ hint: String) -> MMError {
        MMError(.invalidInput, "\(what.prefix(1).uppercased())\(what.dropFirst()).", hint: hint)
    }
}

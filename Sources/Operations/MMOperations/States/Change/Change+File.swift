import MMCore
package import MMShell

extension Change {
    /// Creates a change that replaces a file on a host.
    /// - Parameters:
    ///   - host: the host as calls name it.
    ///   - kept: the earlier contents and where their copy is.
    ///   - digest: the SHA-256 of the new contents.
    ///   - rights: the name of the secret with sudo's password if the file is written as root, empty if sudo needs
    ///     none; `nil` if it is written with the user's own rights.
    package init(file host: String, _ kept: KeptFile, left digest: String, rights: String?) {
        var before: JSONObject = [
            "copy": .string(kept.copy), "sha256": .string(kept.digest), "permissions": .string(kept.permissions),
        ]
        if !kept.owner.isEmpty { before["owner"] = .string(kept.owner) }
        before["sudo"] = rights.map { .string($0) }
        self.init(
            .file, version: "", place: host, keys: ["sha256"], subject: Subject(id: kept.path),
            before: .object(before), after: ["sha256": .string(digest)], isBeforeKnown: true)
    }

    /// The copy kept of a replaced file, and the SHA-256 of the contents that replaced it.
    package var keptFile: (kept: KeptFile, left: String)? {
        guard kind == .file, let copy = before?["copy"]?.string, let digest = before?["sha256"]?.string,
            let permissions = before?["permissions"]?.string, let left = after?["sha256"]?.string
        else { return nil }
        var kept = KeptFile(path: subject.id, copy: copy, digest: digest, permissions: permissions)
        kept.owner = before?["owner"]?.string ?? ""
        return (kept, left)
    }

    /// The rights with which a file was replaced: the name of the secret with sudo's password; `nil` for the user's
    /// own.
    package var fileRights: String? { before?["sudo"]?.string }
}

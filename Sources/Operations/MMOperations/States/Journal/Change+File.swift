import MMCore
package import MMShell

extension Change {
    /// A file of a host that another one takes the place of.
    /// - Parameters:
    ///   - host: the host as calls name it.
    ///   - kept: what it held before, and where that is kept.
    ///   - digest: the SHA-256 of what it then holds.
    ///   - rights: the name of the secret that is sudo's password where it is written with root's rights, empty for none;
    ///     `nil` for the user's own.
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

    /// What is kept of a file that was replaced, and what it was left with.
    package var keptFile: (kept: KeptFile, left: String)? {
        guard kind == .file, let copy = before?["copy"]?.string, let digest = before?["sha256"]?.string,
            let permissions = before?["permissions"]?.string, let left = after?["sha256"]?.string
        else { return nil }
        var kept = KeptFile(path: subject.id, copy: copy, digest: digest, permissions: permissions)
        kept.owner = before?["owner"]?.string ?? ""
        return (kept, left)
    }

    /// With which rights a file was replaced: the name of the secret with sudo's password; `nil` for the user's own.
    package var fileRights: String? { before?["sudo"]?.string }
}

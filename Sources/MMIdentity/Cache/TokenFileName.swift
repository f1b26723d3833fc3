internal import MMCore

/// The names of a connection's files in the token folder.
///
/// The plain names, `SAFE.json` and `SAFE.flow.json`, stay wherever they name one connection only. A name that had to be
/// changed to be safe gets a digest as well: `A.B` and `A_B` would share a file, and with it each other's accounts.
struct TokenFileName: Sendable, Hashable {
    private let connection: String
    private let safe: String

    /// The names for a connection.
    init(connection: String) {
        self.connection = connection
        safe = StatePaths.safeName(connection)
    }

    /// The token cache.
    var cache: String { isPlain ? "\(safe).json" : "\(digested).json" }

    /// The cache of an earlier program, where it has another name than ours. It may belong to a connection of that very name.
    var earlierCache: String? { isPlain || safe.utf8.count > 200 ? nil : "\(safe).json" }

    /// The pending sign-in for a resource.
    func pending(_ resource: ServiceResource) -> String {
        resource == .graph
            ? "\(pendingStem).flow.json" : "\(pendingStem)-\(StatePaths.safeName(resource.name)).flow.json"
    }

    /// The pending sign-in for a SharePoint host that a file of the token folder holds, or a draft of it.
    func sharePointPending(of file: String) -> String? {
        let isDraft = file.hasPrefix(".")
        let name = isDraft ? file.dropFirst() : file[...]
        let start = "\(pendingStem)-sharepoint-"
        guard name.hasPrefix(start), let end = name.firstRange(of: ".flow.json"),
            isDraft ? name[end.upperBound...].hasPrefix(".mm-") : end.upperBound == name.endIndex
        else { return nil }
        // `X-sharepoint-y` may be a connection of its own, the names of whose files hold its digest.
        let isOthers = name[..<end.lowerBound].dropFirst(start.count).split(separator: "-").contains { part in
            part.utf8.count == 16 && part.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x66) ~= $0 }
        }
        return isOthers ? nil : "\(name[..<end.lowerBound]).flow.json"
    }

    // `X-flow` for Graph and `X` for Flow would both be `X-flow.flow.json`.
    private var pendingStem: String { isPlain && !endsLikeAResource ? safe : digested }

    // 200 bytes leave room for the endings that locks and drafts add below the 255 of a file name.
    private var isPlain: Bool { safe == connection && safe.utf8.count <= 200 && !safe.isEmpty }

    private var endsLikeAResource: Bool {
        let parts = safe.split(separator: "-", omittingEmptySubsequences: false)
        return parts.indices.dropFirst().contains { ServiceResource(name: parts[$0...].joined(separator: "-")) != nil }
    }

    private var digested: String {
        "\(safe.prefix(150))-\(Hex.text(SHA256.digest(Array(connection.utf8)).prefix(8)))"
    }
}

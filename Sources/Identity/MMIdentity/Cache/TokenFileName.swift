internal import MMCore

/// The names of a connection's files in the token folder.
///
/// The plain names, `SAFE.json` and `SAFE.flow.json`, are used whenever they identify one connection. If a name had to
/// be changed to be safe, a digest is added: otherwise `A.B` and `A_B` would share a file and each other's accounts.
struct TokenFileName: Sendable, Hashable {
    private let connection: String
    private let safe: String

    /// Creates the names for a connection.
    init(connection: String) {
        self.connection = connection
        safe = StatePaths.safeName(connection)
    }

    /// The token cache.
    var cache: String { isPlain ? "\(safe).json" : "\(digested).json" }

    /// The cache that an earlier program used, if it has another name. It may belong to a connection of exactly that
    /// name.
    var earlierCache: String? { isPlain || safe.utf8.count > 200 ? nil : "\(safe).json" }

    /// What was told of the end of its sign-in.
    var ends: String { "\(pendingStem).ends.json" }

    /// Returns the file name of the pending sign-in for a resource.
    func pending(_ resource: ServiceResource) -> String {
        resource == .graph
            ? "\(pendingStem).flow.json" : "\(pendingStem)-\(resource.fileName).flow.json"
    }

    /// Returns the pending sign-in for a SharePoint host or an API that a file of the token folder, or a draft of one,
    /// belongs to.
    func furtherPending(of file: String) -> String? {
        let isDraft = file.hasPrefix(".")
        let name = isDraft ? file.dropFirst() : file[...]
        guard let end = name.firstRange(of: ".flow.json"),
            isDraft ? name[end.upperBound...].hasPrefix(".mm-") : end.upperBound == name.endIndex
        else { return nil }
        if name.hasPrefix("\(pendingStem)-"),
            ServiceResource.isFileNameOfAPI(name[..<end.lowerBound].dropFirst(pendingStem.count + 1))
        {
            return "\(name[..<end.lowerBound]).flow.json"
        }
        let start = "\(pendingStem)-sharepoint-"
        guard name.hasPrefix(start) else { return nil }
        // `X-sharepoint-y` may be a connection of its own; its file names contain a digest.
        let isOthers = name[..<end.lowerBound].dropFirst(start.count).split(separator: "-").contains { part in
            part.utf8.count == 16 && part.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x66) ~= $0 }
        }
        return isOthers ? nil : "\(name[..<end.lowerBound]).flow.json"
    }

    // `X-flow` for Graph and `X` for Flow would otherwise both be `X-flow.flow.json`.
    private var pendingStem: String { isPlain && !endsLikeAResource ? safe : digested }

    // 200 bytes leave room for the suffixes of locks and drafts within the 255 bytes of a file name.
    private var isPlain: Bool { safe == connection && safe.utf8.count <= 200 && !safe.isEmpty }

    private var endsLikeAResource: Bool {
        let parts = safe.split(separator: "-", omittingEmptySubsequences: false)
        return parts.indices.dropFirst().contains { index in
            let end = parts[index...].joined(separator: "-")
            return ServiceResource(name: end) != nil || ServiceResource.isFileNameOfAPI(end)
        }
    }

    private var digested: String {
        "\(safe.prefix(150))-\(Hex.text(SHA256.digest(Array(connection.utf8)).prefix(8)))"
    }
}

import ShellSyntax

/// What a session's texts and files have written so far, as far as it is known: a later command that runs such a file is judged
/// by what stands in it.
package struct ShellMemory: Sendable, Hashable {
    /// The texts by the names of their files; `nil` for what nobody has seen.
    ///
    /// The name counts without its folder: by which way a folder is reached can't be told from a text.
    private(set) var files: [String: [String?]] = [:]

    /// Whether the session has named or changed an address that git pushes to.
    var hasNewRemote = false

    private static let mostFiles = 200
    private static let mostBytes = 256 << 10

    /// Nothing was written.
    package init() {}

    /// Notes a file.
    /// - Parameters:
    ///   - path: the file as it was named.
    ///   - text: what it holds; `nil` for what can't be told.
    ///   - isWhole: whether what it held before is gone.
    package mutating func note(_ path: String, _ text: String?, isWhole: Bool = false) {
        let name = Self.name(path)
        guard !name.isEmpty else { return }
        let kept = text.flatMap { $0.utf8.count > Self.mostBytes ? nil : $0 }
        var texts = files[name] ?? []
        // Files of one name may lie in several folders: what one of them held before still counts, up to a few.
        if !texts.contains(kept) { texts.append(kept) }
        if !isWhole, let first = texts.first, let first, let kept, texts.count > 1 { texts.append(first + kept) }
        files[name] = texts.count > 8 ? [nil] : texts
        if files.count > Self.mostFiles { files = [name: files[name] ?? []] }
    }

    /// What a name that is run may stand for; `nil` for one that was never written.
    func texts(of path: String) -> [String?]? { files[Self.name(path)] }

    /// What a file is called, without its folder.
    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }
}

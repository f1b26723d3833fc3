/// Where a shell command will run.
public struct ShellContext: Sendable, Hashable {
    /// Whether it runs on another host, where this machine's files are not in reach.
    package var isRemote: Bool
    /// The home folder, for `~` and `$HOME`.
    public var home: String?
    /// The working directory, for relative paths.
    public var directory: String?
    /// Folders and files of the program itself: registry, token caches, ledger, logs, sockets.
    package var ownFiles: [String]
    /// The folder that is the session's own, in which what can be made again may go without a question; `nil` where it has none.
    public var workspace: String?
    /// Whether a text for an interpreter is asked about, since nothing but the guard stands before what it does.
    package var asksInterpreters: Bool

    /// A place.
    public init(
        isRemote: Bool = false, home: String? = nil, directory: String? = nil, ownFiles: [String] = [],
        workspace: String? = nil, asksInterpreters: Bool? = nil
    ) {
        self.isRemote = isRemote
        self.workspace = workspace
        self.asksInterpreters = asksInterpreters ?? isRemote
        self.home = home
        self.directory = directory
        self.ownFiles = ownFiles
    }

    /// Whether walls stand around what runs there.
    var hasWalls: Bool { workspace != nil && !isRemote }

    /// A word as the path that it means, without `.` and `..`; nil for what is no fixed path.
    func path(_ word: String) -> String? {
        var text = word
        for (short, long) in [("~/", home), ("$HOME/", home), ("${HOME}/", home)] {
            if let long, text.hasPrefix(short) { text = long + "/" + text.dropFirst(short.count) }
        }
        if let home, ["~", "$HOME", "${HOME}"].contains(text) { text = home }
        if !text.hasPrefix("/") {
            guard let directory, !text.hasPrefix("-"), !text.isEmpty else { return nil }
            text = directory + "/" + text
        }
        var parts: [Substring] = []
        for part in text.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Whether a word names the program's own files, a folder in which they lie as a whole, or a pattern for them.
    func isOwn(_ word: String) -> Bool {
        guard !isRemote, !ownFiles.isEmpty else { return false }
        var candidates = [word]
        if let equals = word.firstIndex(of: "=") { candidates.append(String(word[word.index(after: equals)...])) }
        // curl's way to name a file: `@path`, also after a name.
        candidates += candidates.filter { $0.hasPrefix("@") }.map { String($0.dropFirst()) }
        for candidate in candidates {
            guard let path = path(candidate) else { continue }
            let pattern = path.firstIndex { "*?[{".contains($0) }.map { path[..<$0] }
            let parts = path.split(separator: "/")
            for own in ownFiles where own.count > 1 {
                if path == own || path.hasPrefix(own + "/") { return true }
                guard let pattern, pattern.count > 1 else { continue }
                // `~/.m365*` and `~/.m*/x` reach them; `~/*` does not, since shells pass over hidden names.
                if zip(parts, own.split(separator: "/")).allSatisfy(Self.mayBe) { return true }
            }
        }
        return false
    }

    /// Whether a path of a host goes through a file or folder that is called like one of the program's own: the same files, from a
    /// home folder that has another place there, or those of another user of it.
    func namesOwn(_ path: String) -> Bool {
        guard isRemote else { return false }
        let names = ownFiles.compactMap { $0.split(separator: "/").last }.filter { $0.hasPrefix(".") }
        return path.split(separator: "/").contains { part in names.contains { Self.mayBe(part, $0) } }
    }

    /// Whether a part of a pattern may stand for a name.
    private static func mayBe(_ part: Substring, _ name: Substring) -> Bool {
        guard let glob = part.firstIndex(where: { "*?[{".contains($0) }) else { return part == name }
        return name.hasPrefix(part[..<glob]) && !(glob == part.startIndex && name.hasPrefix("."))
    }
}

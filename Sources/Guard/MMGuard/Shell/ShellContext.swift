import Glibc

/// The place in which a shell command will run.
public struct ShellContext: Sendable, Hashable {
    /// Whether it runs on another host, where this machine's files can't be reached.
    package var isRemote: Bool
    /// The home folder, for `~` and `$HOME`.
    public var home: String?
    /// The working directory, for relative paths.
    public var directory: String?
    /// The folders and files of mm itself: registry, token caches, ledger, logs, sockets.
    package var ownFiles: [String]
    /// The session's own folder, in which files that can be made again may be removed without a confirmation; `nil` if
    /// there is none.
    public var workspace: String?
    /// Whether code for an interpreter has to be confirmed, because only the guard stands between the code and its
    /// effects.
    package var asksInterpreters: Bool
    /// Whether the walls around the session let no connection out, as the session's own walls say, not its settings of
    /// today.
    package var isOffline = false
    /// Whether bash reads the command, rather than a shell that isn't known.
    package var isBash = false

    /// Creates a context.
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

    /// Returns the place for the text of a script, whose first line may name the shell that reads it.
    package func reading(_ script: String) -> ShellContext {
        guard script.hasPrefix("#!") else { return self }
        var place = self
        place.isBash = ShellJudge.runner(of: script) == "bash"
        return place
    }

    /// Whether the command runs in a sandbox.
    var hasWalls: Bool { workspace != nil && !isRemote }

    /// Whether it runs in a sandbox without a network, where nothing on other machines can be changed or told.
    var isWalledOff: Bool { hasWalls && isOffline }

    /// Returns the path that a word stands for, without `.` and `..`; nil if it isn't a fixed path.
    func path(_ word: String) -> String? {
        guard let first = word.utf8.first else { return nil }
        var text = word
        // Every host has this one, which is nearest to the root.
        if let home = home ?? (isRemote ? "/root" : nil), "~$".utf8.contains(first) {
            if ["~", "$HOME", "${HOME}"].contains(text) { text = home }
            for start in ["~/", "$HOME/", "${HOME}/"] where text.hasPrefix(start) {
                text = home + "/" + text.dropFirst(start.count)
            }
        }
        if !text.hasPrefix("/") {
            guard let directory, first != UInt8(ascii: "-") else { return nil }
            text = directory + "/" + text
        }
        var parts: [Substring] = []
        for part in text.utf8.split(separator: UInt8(ascii: "/")).lazy.map(Substring.init) where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Returns whether a word names mm's own files, a folder within them, or a pattern that matches them.
    func isOwn(_ word: String) -> Bool {
        guard !isRemote, !ownFiles.isEmpty else { return false }
        // A shell's own braces are resolved; some programs resolve quoted ones.
        if ShellJudge.alternatives(in: word)?.contains(where: isOwn) == true { return true }
        var candidates = [word]
        if let equals = word.firstIndex(of: "=") { candidates.append(String(word[word.index(after: equals)...])) }
        // curl takes a file as `@path`, also after the name of a field.
        candidates += candidates.filter { $0.hasPrefix("@") }.map { String($0.dropFirst()) }
        for candidate in candidates {
            guard let path = path(candidate) else { continue }
            if ownFiles.contains(where: { Self.isInside($0, path) }) { return true }
            guard let pattern = path.firstIndex(where: { "*?[".contains($0) }), path[..<pattern].utf8.count > 1 else {
                continue
            }
            // `~/.m365*` and `~/.m*/x` match such files; `~/*` does not, because shells leave hidden names out.
            let parts = path.split(separator: "/")
            let matches = ownFiles.contains { own in
                own.utf8.count > 1 && zip(parts, own.split(separator: "/")).allSatisfy(Self.mayBe)
            }
            if matches { return true }
        }
        return false
    }

    private static func isInside(_ folder: String, _ path: String) -> Bool {
        guard folder.utf8.count > 1, path.hasPrefix(folder) else { return false }
        let rest = path.utf8.dropFirst(folder.utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "/")
    }

    /// Returns whether a path on a host contains the name of one of mm's own files or folders. On a host these may be
    /// the same files, under another path of the home folder, or those of another user of mm.
    /// - Parameter isPattern: whether parts of it may be patterns.
    func namesOwn(_ path: String, isPattern: Bool) -> Bool {
        guard isRemote else { return false }
        let names = ownFiles.compactMap { $0.split(separator: "/").last }.filter { $0.hasPrefix(".") }
        return path.split(separator: "/").contains { part in
            names.contains { isPattern ? Self.mayBe(part, $0) : part == $0 }
        }
    }

    /// Returns whether a part of a pattern matches a name.
    static func mayBe(_ part: Substring, _ name: Substring) -> Bool {
        guard part.utf8.contains(where: { "*?[\\".utf8.contains($0) }) else { return part == name }
        return fnmatch(String(part), String(name), FNM_PERIOD) == 0
    }
}

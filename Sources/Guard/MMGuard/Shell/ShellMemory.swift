import MMCore

/// The effects of a session's earlier texts on the judgement of later ones, as far as they are known: a command that
/// runs a file which the session wrote is judged by the file's text.
package struct ShellMemory: Sendable, Hashable {
    /// The possible texts of each written file; `nil` for an unknown text.
    ///
    /// The keys are file names without folders, because a text doesn't show by which path a folder is reached.
    private(set) var files: [String: [String?]] = [:]
    /// The bytes of their contents.
    var size: Int { files.values.joined().reduce(0) { $0 + ($1?.utf8.count ?? 0) } }

    /// Whether the session has named a git remote, changed one's address, or changed to which one a branch is pushed.
    var hasNewRemote = false

    /// Whether the session has unpacked an archive from an address without storing it; on a host any archive, or a copy
    /// from another one.
    var hasFetchedArchive = false

    /// Whether the session has cloned a repository, whose programs may have any name.
    var hasClone = false

    /// The functions and aliases that the session has defined. Their texts were judged where they were defined.
    private(set) var functions: Set<String> = []
    private(set) var aliases: Set<String> = []

    /// The variables that the session has made constant or declared with options, so that they don't take every value.
    private(set) var declared: Set<String> = []

    /// The variables that the session hands to the programs that it starts.
    private var exported: Set<String> = []

    /// Whether it hands all variables to them that it sets.
    var exportsAll = false

    /// Whether a function of the session enters another folder.
    var hasMovingFunction = false

    private static let mostFiles = 200
    private static let mostBytes = 256 << 10

    /// Creates the memory of a session that has written nothing.
    package init() {}

    /// Notes that a file was written.
    /// - Parameters:
    ///   - path: the path as written in the command.
    ///   - text: the written text; `nil` if it is unknown.
    ///   - isWhole: whether the file's former content is gone.
    package mutating func note(_ path: String, _ text: String?, isWhole: Bool = false) {
        let name = Self.name(path)
        guard !name.isEmpty else { return }
        let kept = text.flatMap { $0.utf8.count > Self.mostBytes ? nil : $0 }
        var texts = files[name] ?? []
        // Files with the same name may be in several folders, so up to eight earlier texts still count.
        if !texts.contains(kept) { texts.append(kept) }
        if !isWhole, let first = texts.first, let first, let kept, texts.count > 1 { texts.append(first + kept) }
        files[name] = texts.count > 8 ? [nil] : texts
        if files.count > Self.mostFiles { files = [name: files[name] ?? []] }
    }

    /// Notes the functions that a text defines.
    mutating func note(functions names: [String]) {
        if functions.count > Self.mostFiles { functions = [] }
        functions.formUnion(names)
    }

    /// Notes variables that don't take every value.
    mutating func note(declared names: Set<String>) {
        declared.formUnion(names)
        // Of too many, nothing is known: values may be split at any character then.
        if declared.count > Self.mostFiles { declared = ["IFS"] }
    }

    /// Notes variables that programs get.
    mutating func note(exported names: [String]) {
        exported.formUnion(names)
        exportsAll = exportsAll || exported.count > Self.mostFiles
    }

    /// Returns whether programs get a variable, whenever it is set.
    func exports(_ name: String) -> Bool { exportsAll || exported.contains(name) }

    /// Notes the names of aliases: the part of `name=text` before the sign.
    mutating func note(aliases words: [String]) {
        if aliases.count > Self.mostFiles { aliases = [] }
        aliases.formUnion(words.filter { $0.contains("=") }.map { String($0.prefix { $0 != "=" }) })
    }

    /// Returns the possible texts of a file that is run; `nil` if the session never wrote a file of that name.
    func texts(of path: String) -> [String?]? { files[Self.name(path)] }

    /// Returns the name of a file without its folder.
    static func name(_ path: String) -> String {
        guard path.utf8.contains(UInt8(ascii: "/")) else { return path }
        return path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? ""
    }
}

import PowerShellSyntax

/// The folder in which a script's relative paths begin: the run's own, until the script goes to another one.
///
/// Methods of .NET don't follow: for them the process has a current folder of its own, which stays where it is.
struct CurrentFolder: Sendable {
    /// How the run's own folder is written. A dot would mean another one after a script has left it.
    let root: String
    private(set) var path: String
    /// The folders to which `Pop-Location` goes back.
    private var kept: [String] = []

    /// Begins in the run's own folder.
    /// - Parameter isLeft: whether the script goes to other ones.
    init(isLeft: Bool = false) {
        root = isLeft ? "~" : "."
        path = root
    }

    /// Returns whether a path names a place whatever the current folder is.
    static func isRooted(_ path: String) -> Bool {
        SystemTypes.isRooted(path) || path == "~" || path.hasPrefix("~/") || path.hasPrefix("~\\")
    }

    /// Returns the path that means the same in every folder.
    func located(_ path: String) -> String {
        guard root != "." || self.path != root, !path.isEmpty, !Self.isRooted(path) else { return path }
        return whole(self.path + "/" + path)
    }

    /// Returns the path of a file that was handed in, or of a folder of every run: it begins in the run's own folder.
    func rooted(_ path: String) -> String { root == "." || Self.isRooted(path) ? path : root + "/" + path }

    /// Returns a rooted path without dots.
    private func whole(_ path: String) -> String {
        let parts = RunFiles.parts(of: path)
        if parts.isEmpty { return root }
        if path.dropFirst().hasPrefix(":") { return path.prefix(2) + "\\" + parts.joined(separator: "\\") }
        return (path.hasPrefix("~") ? "~/" : "/") + parts.joined(separator: "/")
    }

    mutating func enter(_ path: String) { self.path = whole(Self.isRooted(path) ? path : self.path + "/" + path) }

    mutating func keep() { kept.append(path) }

    mutating func goBack() { if let last = kept.popLast() { path = last } }
}

extension HostCommands {
    /// Returns whether a script may leave the run's own folder.
    static func leavesFolder(_ script: ParsedScript) -> Bool {
        ScriptFacts(of: script).items.contains { item in
            guard case .command(let command) = item.detail, let name = command.name else { return false }
            return ["Set-Location", "Push-Location"].contains(Cmdlets.specification(of: name)?.name)
        }
    }

    /// Goes to a folder of the run; `Push-Location` first notes the way back.
    static func setLocation(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let keeps = command.specification.name == "Push-Location"
        let paths = try paths(command, piped: items, in: host)
        guard paths.count <= 1, keeps || !paths.isEmpty, !["-", "+"].contains(command["Path"]?.text),
            !paths.contains(where: Wildcard.isPattern)
        else { throw .handOver("another current folder") }
        let path = paths.first ?? ""
        let isThere = path.isEmpty || host.isFolder(path) || NativeHost.key(path).isEmpty
        guard isThere else {
            // In the home of a person there are more folders than in a run.
            if command["Path"]?.text.hasPrefix("~") == true { throw .handOver("another current folder") }
            let error = NativeError(
                command.specification.errorID("PathNotFound"), "Cannot find path '\(path)' because it does not exist.",
                category: "ObjectNotFound", isReadable: true)
            return try evaluator.report(error, command.errorAction)
        }
        host.changeFolder { folder in
            if keeps { folder.keep() }
            if !path.isEmpty { folder.enter(path) }
        }
        if command.isSet("PassThru") { try emit(pathObject(host.folder.path)) }
    }

    /// Goes back to the folder that `Push-Location` left last; without one, nowhere.
    static func popLocation(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        host.changeFolder { $0.goBack() }
        if command.isSet("PassThru") { try emit(pathObject(host.folder.path)) }
    }
}

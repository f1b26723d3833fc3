/// Commands over the texts of paths, and what is there.
extension HostCommands {
    static func testPath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        if let found = try hasVariable(at: command["Path"] ?? command["LiteralPath"], evaluator), items.isEmpty {
            return try emit(.bool(found))
        }
        let paths = try paths(command, piped: items, in: host)
        guard !paths.isEmpty else { throw .handOver("a path that is null") }
        for path in paths {
            var found = !path.isEmpty && host.exists(path)
            if path.contains("*") { found = try !host.files(like: path, in: evaluator).isEmpty }
            switch command["PathType"]?.text.lowercased() {
            case _ where command.isSet("IsValid"): found = !path.isEmpty
            case "leaf"?: found = host.hasFile(path)
            case "container"?: found = host.isFolder(path)
            default: break
            }
            try emit(.bool(found))
        }
    }

    static func joinPath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var children: [String] = []
        for name in ["ChildPath", "AdditionalChildPath"] {
            for value in Cmdlets.list(command[name]) { children.append(try PSText.string(value)) }
        }
        for value in command.rest { for item in Cmdlets.list(value) { children.append(try PSText.string(item)) } }
        guard !children.isEmpty else { throw .handOver("Join-Path without the path of a child") }
        for path in try writtenPaths(command, ["Path"], piped: items) {
            // It makes all separators the same. A path with a drive is one of Windows.
            let separator: Character = path.dropFirst().hasPrefix(":") ? "\\" : "/"
            var joined = path
            for child in children {
                while joined.hasSuffix("/") || joined.hasSuffix("\\") { joined.removeLast() }
                joined += "/" + child.drop { $0 == "/" || $0 == "\\" }
            }
            try emit(.string(String(joined.map { $0 == "/" || $0 == "\\" ? separator : $0 })))
        }
    }

    static func splitPath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try writtenPaths(command, piped: items) {
            var parts = path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.map(String.init)
            while parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
            let leaf = parts.last ?? path
            let dot = leaf.lastIndex(of: ".")
            let drive = parts.first.flatMap { (first) in first.firstIndex(of: ":").map { String(first[...$0]) } } ?? ""
            if command.isSet("Qualifier") {
                guard !drive.isEmpty else { throw .handOver("the drive of a path without one") }
                try emit(.string(drive))
            } else if command.isSet("NoQualifier") {
                try emit(.string(String(path.dropFirst(drive.count))))
            } else if command.isSet("IsAbsolute") {
                try emit(.bool(!drive.isEmpty || parts.first?.isEmpty == true))
            } else if command.isSet("Leaf") {
                try emit(.string(leaf))
            } else if command.isSet("LeafBase") {
                try emit(.string(dot.map { String(leaf[..<$0]) } ?? leaf))
            } else if command.isSet("Extension") {
                // A dot at the end is no extension.
                try emit(.string(dot.map { leaf[$0...].count > 1 ? String(leaf[$0...]) : "" } ?? ""))
            } else if leaf == "." || leaf == ".." || path == "~" {
                // The script's own folder, which has a longer name elsewhere, or one above it.
                try emit(.string(path == "." ? ".." : path + "/.."))
            } else {
                let above = parts.dropLast().joined(separator: "/")
                // Above all others stands the root, also that of a drive.
                try emit(.string(parts.count == 2 && (above.isEmpty || above == drive) ? above + "/" : above))
            }
        }
    }

    static func resolvePath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command, piped: items, in: host) {
            guard host.exists(path) || NativeHost.key(path).isEmpty else {
                try evaluator.report(missing(path, command), command.errorAction)
                continue
            }
            try emit(command.specification.name == "Convert-Path" ? .string(path) : try pathObject(path))
        }
    }

    /// Returns whether the script has the variable that `variable:name` names, also by its scope, or has set the one of
    /// its environment that `env:NAME` names; `nil` for other paths.
    private static func hasVariable(at path: PSValue?, _ evaluator: Evaluator) throws(Interrupt) -> Bool? {
        guard case .string(let path)? = path?.plain, let colon = path.firstIndex(of: ":") else { return nil }
        let rest = path[path.index(after: colon)...].lowercased()
        let name = String(rest.drop { $0 == "/" || $0 == "\\" })
        switch path[..<colon].lowercased() {
        case "env" where evaluator.environment[name]?.isEmpty == false: return true
        case "variable":
            let words = name.split(separator: ":", maxSplits: 1).map(String.init)
            let isOuter = words.count == 2 && ["global", "script"].contains(words[0])
            guard let own = words.last, isOuter || words.count == 1, !Wildcard.isPattern(own),
                !AutomaticNames.contains(own), !evaluator.foreignVariables.contains(own)
            else { return nil }
            return (isOuter ? evaluator.scriptScope[own] : evaluator.variables[own]) != nil
        default: return nil
        }
    }
}

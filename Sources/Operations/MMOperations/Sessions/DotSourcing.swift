import MMCore
import PowerShellSyntax

/// A script whose dot-sourcing statements (`. .\helper.ps1`), loops that dot-source the files of a folder, and calls of
/// scripts (`& .\part.ps1`) are replaced with the content of the scripts, and whose imports of modules of functions
/// (`Import-Module .\helper.psm1`, a manifest, or the folder of one) with the functions, if these lie beside it, in
/// folders that it names from its own, or were attached. The complete text is then judged, shown and run, in either
/// engine.
struct DotSourcing {
    /// The complete text.
    private(set) var text: String
    /// The names of the inserted scripts.
    private(set) var joined: [String] = []
    /// The attached files that were not inserted.
    private(set) var attached: [String]
    private let given: [String]
    /// The number of insertions.
    private var count = 0
    private let file: String?
    private let files: ScriptFiles

    /// A statement in whose place a file's content can stand.
    private struct Place {
        /// The path of the file, from the script's folder.
        let path: String
        /// The operator before the script's path; `nil` for the import of a module.
        let invocation: InvocationOperator?
        /// The script's arguments, as written.
        var arguments = ""
    }

    /// The maximum number of insertions, nested ones included.
    private static let most = 50

    /// Inserts the scripts that a script dot-sources or calls.
    init(_ text: String, _ input: RunInput, with files: ScriptFiles) async throws(MMError) {
        self.text = text
        self.files = files
        attached = input.attached
        given = input.attached
        file = input.file
        self.text = try await completed(text, folder: "")
    }

    /// Returns a text with the scripts that it dot-sources or calls, and those that these name in turn.
    /// - Parameters:
    ///   - folder: the folder that the text comes from, as a path from that of the whole script.
    ///   - outer: the paths of the scripts in which it is inserted.
    private mutating func completed(
        _ text: String, folder: String, within outer: [String] = []
    ) async throws(MMError) -> String {
        // A byte order mark is no part of the text, and would shift the places that the parser tells.
        var text = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
        // What was inserted was completed for itself.
        var start = 0
        while count < Self.most, [".ps1", "import-module", "ipmo"].contains(where: text.lowercased().contains) {
            var units = Array(text.utf16)
            let parsed = PowerShellParser.parse(utf16: units)
            let facts = ScriptFacts(of: parsed).items
            let paths = ScriptPaths(of: parsed)
            let loops = SourcedFolder.all(in: parsed, with: paths)
            let places = (loops.map(\.extent) + facts.map(\.extent)).enumerated().filter { $0.element.start >= start }
                .sorted { $0.element.start < $1.element.start }
            var isChanged = false
            for (index, extent) in places {
                var whole: String?
                if index < loops.count {
                    whole = try await content(of: loops[index], in: folder, within: outer)
                } else if case .command(let command) = facts[index - loops.count].detail,
                    let place = Self.place(of: command, at: extent, with: paths, in: units)
                {
                    whole = try await content(of: place, in: folder, within: outer, among: facts)
                }
                guard let whole else { continue }
                let inserted = Array(whole.utf16)
                units.replaceSubrange(extent.start..<extent.end, with: inserted)
                start = extent.start + inserted.count
                if index < loops.count { start += loops[index].forget(in: &units) }
                text = String(decoding: units, as: UTF16.self)
                isChanged = true
                break
            }
            if !isChanged { break }
        }
        return text
    }

    /// Returns the text that stands in place of a command that loads a file; `nil` if the file isn't there, or has to
    /// stay separate.
    /// - Parameter facts: those of the script with the command.
    private mutating func content(
        of place: Place, in folder: String, within outer: [String], among facts: [ScriptFact]
    ) async throws(MMError) -> String? {
        let before = self
        let paths = place.invocation == nil ? ModuleManifest.files(at: place.path) : [place.path]
        for path in paths.map({ Self.path($0, in: folder) }) where !outer.contains(path) {
            guard var content = try await content(of: path) else { continue }
            let name = Self.last(of: path)
            let inner = (folder: String(path.dropLast(name.count)), outer: outer + [path])
            let isThere = joined.contains { $0.lowercased() == name.lowercased() }
            count += 1
            if place.invocation == nil {
                guard let whole = try await module(content, of: name, in: inner.folder, within: inner.outer) else {
                    self = before
                    return nil
                }
                content = whole
            }
            guard let inserted = Self.text(of: content, at: place, isThere: isThere, within: facts) else {
                self = before
                return nil
            }
            if !isThere { joined.append(name) }
            attached.removeAll { Self.own($0).lowercased() == name.lowercased() }
            guard place.invocation != nil else { return inserted }
            return try await completed(inserted, folder: inner.folder, within: inner.outer)
        }
        return nil
    }

    /// Returns the text of a module with the files of which it consists; `nil` if one of those that its manifest names
    /// can't be part of it.
    private mutating func module(
        _ content: String, of name: String, in folder: String, within outer: [String]
    ) async throws(MMError) -> String? {
        guard name.lowercased().hasSuffix(".psd1") else {
            return try await completed(content, folder: folder, within: outer)
        }
        guard let manifest = ModuleManifest(content) else { return nil }
        let text = manifest.statements.map { $0 + "\n" }.joined()
        let whole = try await completed(text, folder: folder, within: outer)
        return manifest.statements.contains(where: whole.contains) ? nil : whole
    }

    /// Returns the text that has the meaning of a command that loads a file; `nil` if none has.
    /// - Parameters:
    ///   - isThere: whether the file was inserted before, so that functions of its names are its own.
    ///   - facts: those of the script.
    private static func text(
        of content: String, at place: Place, isThere: Bool, within facts: [ScriptFact]
    ) -> String? {
        if let invocation = place.invocation { return inserted(content, invocation, place.arguments) }
        guard isThere else { return functions(content, within: facts) }
        let others = facts.filter { if case .function = $0.detail { false } else { true } }
        return functions(content, within: others)
    }

    /// Returns where a file's content can stand in place of a command; `nil` for commands that load no file.
    private static func place(
        of command: CommandFact, at extent: SourceExtent, with paths: ScriptPaths, in units: [UInt16]
    ) -> Place? {
        let isImport = ["import-module", "ipmo"].contains(command.name?.lowercased() ?? "")
        // A call is one command, wherever it stands; the statements of a file can only stand among others.
        guard command.invocation == .call || (command.invocation == .dot || isImport) && isStatement(extent, in: units)
        else { return nil }
        // A block, such as that of a script inserted before, can be as long as the script.
        if case .dynamic(.scriptBlock, _)? = command.head { return nil }
        let written = Array(units[extent.start..<extent.end])
        guard case .pipeline(let pipeline)? = PowerShellParser.parse(utf16: written).root?.body?.statements.first,
            case .command(let node)? = pipeline.elements.first, case .argument(let script)? = node.elements.first
        else { return nil }
        guard let invocation = command.invocation else {
            return module(node).flatMap(paths.path).flatMap(ownModule).map { Place(path: $0, invocation: nil) }
        }
        let arguments = String(decoding: written[script.extent.end...], as: UTF16.self)
        return paths.path(of: script).flatMap { own($0, ".ps1") }
            .map { Place(path: $0, invocation: invocation, arguments: arguments) }
    }

    /// Returns whether a command is a statement of its own, by what stands before and after it.
    private static func isStatement(_ extent: SourceExtent, in units: [UInt16]) -> Bool {
        func isEdge(_ unit: UInt16) -> Bool { [0x0A, 0x0D, 0x3B, 0x7B, 0x7D, 0x23].contains(unit) }
        let before = units[..<extent.start].last { $0 != 0x20 && $0 != 0x09 }
        let after = units[extent.end...].first { $0 != 0x20 && $0 != 0x09 }
        return before.map(isEdge) ?? true && after.map(isEdge) ?? true
    }

    /// Returns the path of the module that `Import-Module` loads, as written; `nil` if it does more than load one.
    private static func module(_ command: CommandSyntax) -> ExpressionSyntax? {
        var values: [ExpressionSyntax] = []
        var isPreference = false
        for word in command.words {
            switch word {
            case .name(let parameter) where ["erroraction", "warningaction"].contains(parameter.name.lowercased()):
                isPreference = parameter.argument == nil
            case .name(let parameter) where parameter.argument == nil:
                guard ["force", "disablenamechecking", "global", "name"].contains(parameter.name.lowercased()) else {
                    return nil
                }
            case .value(let value):
                if !isPreference { values.append(value) }
                isPreference = false
            case .name, .text, .splat: return nil
            }
        }
        return values.count == 1 ? values[0] : nil
    }

    /// Returns the text of a module that only defines functions, so that they mean the same within a script; `nil` for
    /// any other module.
    /// - Parameter facts: those of the script.
    private static func functions(_ text: String, within facts: [ScriptFact]) -> String? {
        let parsed = PowerShellParser.parse(text)
        guard let root = parsed.root, root.usings.isEmpty, root.definedTypes.isEmpty, root.parameterBlock == nil,
            let body = root.body, body.traps.isEmpty
        else { return nil }
        let known = Set(
            facts.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
        var end = 0
        for statement in body.statements {
            switch statement {
            case .function(let function) where end == 0 && !known.contains(function.name.lowercased()): continue
            // What a module exports decides nothing where its functions stand in the script.
            case .pipeline(let pipeline):
                guard pipeline.elements.count == 1, case .command(let command) = pipeline.elements[0],
                    command.constantName?.lowercased() == "export-modulemember"
                else { return nil }
                if end == 0 { end = statement.extent.start }
            default: return nil
            }
        }
        // A module sees neither its caller's variables nor its preferences.
        var (set, used): (Set<String>, Set<String>) = ([], [])
        for item in ScriptFacts(of: parsed).items {
            switch item.detail {
            case .set(let path, _): set.insert(path.path.lowercased())
            case .parameter(let name, _): set.insert(name.lowercased())
            case .variable(let path, _): used.insert(path.path.lowercased())
            default: continue
            }
        }
        let givesPreference = facts.contains { item in
            if case .set(let path, _) = item.detail { path.name.lowercased().hasSuffix("preference") } else { false }
        }
        let own: Set<String> = [
            "_", "psitem", "args", "input", "matches", "?", "error", "myinvocation", "psboundparameters", "pscmdlet",
            "psscriptroot",
        ]
        guard !givesPreference, used.subtracting(set).allSatisfy({ own.contains($0) || $0.hasPrefix("env:") }),
            set.allSatisfy({ !$0.contains(":") })
        else { return nil }
        let units = Array(text.utf16)
        return "\n" + String(decoding: end == 0 ? units[...] : units[..<end], as: UTF16.self) + "\n"
    }

    /// Returns a path from the script's folder; `nil` if it begins elsewhere, or isn't a script's.
    private static func own(_ written: String, _ ending: String) -> String? {
        var path = written
        // A script on its author's drive is looked for by its name alone.
        if path.dropFirst().first == ":", path.first?.isLetter == true { path = last(of: path) }
        while path.hasPrefix("/") || path.hasPrefix("./") { path.removeFirst(path.hasPrefix("/") ? 1 : 2) }
        guard path.lowercased().hasSuffix(ending), last(of: path).utf8.count > ending.utf8.count,
            !path.contains(":")
        else { return nil }
        return path
    }

    /// Returns the path of a module's file or folder from the script's folder; `nil` for a module's name, and a path
    /// that begins elsewhere.
    private static func ownModule(_ written: String) -> String? {
        for ending in [".psm1", ".psd1", ".ps1"] where written.lowercased().hasSuffix(ending) {
            return own(written, ending)
        }
        guard written.contains("/"), !written.contains(":"), written.last != "/" else { return nil }
        return own(written, "")
    }

    private static func path(_ path: String, in folder: String) -> String {
        var parts: [Substring] = []
        for part in (folder + path).split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    private static func last(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Returns the text that has the meaning of a script within another one: the dot-sourced script itself, or, if it
    /// is called, has parameters or may end early, a block; `nil` if none has.
    private static func inserted(
        _ text: String, _ invocation: InvocationOperator, _ arguments: String
    ) -> String? {
        let parsed = PowerShellParser.parse(text)
        guard let root = parsed.root, root.namedBlocks.isEmpty, root.usings.isEmpty else { return nil }
        var endsEarly = false
        for case .flow(let flow) in root.body?.statements ?? [] {
            guard flow.kind == .return else { return nil }
            endsEarly = true
        }
        let isBlock =
            invocation == .call || root.parameterBlock != nil || endsEarly
            || arguments.contains { !$0.isWhitespace }
        guard isBlock else { return "\n\(text)\n" }
        let meansMore = ScriptFacts(of: parsed).items.contains { item in
            switch item.detail {
            case .statement("exit", _): true
            // A called script has variables of its own.
            case .variable(let path, _), .set(let path, _): invocation == .call && path.qualifier == .script
            default: false
            }
        }
        return meansMore ? nil : "\(invocation.rawValue) {\n\(text)\n}\(arguments)"
    }

    private static func own(_ attached: String) -> String {
        let parts = attached.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 ? parts[0] : last(of: attached)
    }

    /// Returns the text of all scripts that a loop dot-sources; `nil` if there are none, or one can't be inserted.
    private mutating func content(
        of loop: SourcedFolder, in folder: String, within outer: [String]
    ) async throws(MMError) -> String? {
        var found: [(folder: String, name: String, text: String)] = []
        for list in loop.lists {
            let place = Self.path(list.folder, in: folder)
            let beside = await files.names(in: place, beside: file)
            let names = given.filter { Self.isGiven($0, in: place) }.map(Self.own) + beside
            for name in list.scripts(among: Array(Set(names))) {
                let start = place.isEmpty ? "" : place + "/"
                guard !outer.contains(start + name), let text = try await content(of: start + name), loop.takes(text),
                    let inserted = Self.inserted(text, .dot, "")
                else { return nil }
                found.append((start, name, inserted))
            }
        }
        guard !found.isEmpty else { return nil }
        count += 1
        let names = found.map { $0.name.lowercased() }
        for part in found where !joined.contains(part.name) { joined.append(part.name) }
        attached.removeAll { names.contains(Self.own($0).lowercased()) }
        var whole = ""
        for part in found {
            whole += try await completed(part.text, folder: part.folder, within: outer + [part.folder + part.name])
        }
        return whole
    }

    /// Returns whether an attached file is of a folder, by the name of its own.
    private static func isGiven(_ attached: String, in folder: String) -> Bool {
        let path = attached.split(separator: "=", maxSplits: 1).last ?? ""
        return folder.isEmpty || path.split(separator: "/").dropLast().last == folder.split(separator: "/").last
    }

    private func content(of path: String) async throws(MMError) -> String? {
        if let file = given.first(where: { Self.own($0).lowercased() == Self.last(of: path).lowercased() }) {
            return try await files.attached([file]).first.map { String(decoding: $0.bytes, as: UTF8.self) }
        }
        return await files.lying(beside: file, path).map { String(decoding: $0, as: UTF8.self) }
    }
}

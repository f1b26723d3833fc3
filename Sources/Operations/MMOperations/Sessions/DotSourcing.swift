import MMCore
import PowerShellSyntax

/// A script whose dot-sourcing statements (`. .\helper.ps1`) are replaced with the content of the scripts, and whose
/// imports of modules of functions (`Import-Module .\helper.psm1`) with the functions, if these lie beside it, in
/// folders that it names from its own, or were attached. The complete text is then judged, shown and run, in either
/// engine.
struct DotSourcing {
    /// The complete text.
    private(set) var text: String
    /// The names of the inserted scripts.
    private(set) var joined: [String] = []
    /// The attached files that were not inserted.
    private(set) var attached: [String]
    private let file: String?
    private let files: ScriptFiles

    /// The maximum number of inserted scripts, nested ones included.
    private static let most = 20

    /// Inserts the scripts that a script dot-sources.
    init(_ text: String, _ input: RunInput, with files: ScriptFiles) async throws(MMError) {
        self.text = text
        self.files = files
        attached = input.attached
        file = input.file
        self.text = try await completed(text, folder: "")
    }

    /// Returns a text with the scripts that it dot-sources, and those that these dot-source in turn.
    /// - Parameter folder: the folder that the text comes from, as a path from that of the whole script.
    private mutating func completed(_ text: String, folder: String) async throws(MMError) -> String {
        // A byte order mark is no part of the text, and would shift the places that the parser tells.
        var text = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
        while joined.count < Self.most, [".ps1", ".psm1"].contains(where: text.lowercased().contains) {
            var units = Array(text.utf16)
            let parsed = PowerShellParser.parse(utf16: units)
            let items = ScriptFacts(of: parsed).items
            var isChanged = false
            for item in items {
                guard case .command(let command) = item.detail,
                    let call = Self.call(command, at: item.extent, among: items, in: units)
                else { continue }
                let path = Self.path(call.path, in: folder)
                let name = Self.last(of: path)
                guard !joined.contains(where: { $0.lowercased() == name.lowercased() }),
                    let content = try await content(of: path),
                    let inserted = call.isModule
                        ? Self.functions(content, within: items) : Self.inserted(content, call.arguments)
                else { continue }
                joined.append(name)
                attached.removeAll { Self.own($0).lowercased() == name.lowercased() }
                let whole = try await completed(inserted, folder: String(path.dropLast(name.count)))
                units.replaceSubrange(item.extent.start..<item.extent.end, with: Array(whole.utf16))
                text = String(decoding: units, as: UTF16.self)
                isChanged = true
                break
            }
            if !isChanged { break }
        }
        return text
    }

    /// Returns the path of the script that a statement dot-sources, from the script's folder, and the arguments as
    /// written; `nil` for other statements.
    private static func call(
        _ command: CommandFact, at extent: SourceExtent, among facts: [ScriptFact], in units: [UInt16]
    ) -> (path: String, arguments: String, isModule: Bool)? {
        func isEdge(_ unit: UInt16) -> Bool { [0x0A, 0x0D, 0x3B, 0x7B, 0x7D, 0x23].contains(unit) }
        let before = units[..<extent.start].last { $0 != 0x20 && $0 != 0x09 }
        let after = units[extent.end...].first { $0 != 0x20 && $0 != 0x09 }
        guard command.count == 1, before.map(isEdge) ?? true, after.map(isEdge) ?? true else { return nil }
        guard command.invocation == .dot else {
            return module(command, at: extent, among: facts, in: units).map { ($0, "", true) }
        }
        let written = String(decoding: units[extent.start..<extent.end], as: UTF16.self).dropFirst()
            .drop { $0 == " " || $0 == "\t" }
        if case .dynamic(.paren, _)? = command.head {
            // The first command in the parentheses is the one that builds the path.
            let inner = facts.first { item in
                guard case .command = item.detail else { return false }
                return item.extent.start > extent.start && item.extent.end < extent.end
            }
            guard let inner, case .command(let join) = inner.detail, let path = joinedPath(join, ".ps1") else {
                return nil
            }
            let rest = units[inner.extent.end..<extent.end].drop { $0 != 0x29 }.dropFirst()
            return (path, String(decoding: rest, as: UTF16.self), false)
        }
        let quote = written.first.flatMap { $0 == "\"" || $0 == "'" ? $0 : nil }
        let isEnd: (Character) -> Bool = { character in quote.map { character == $0 } ?? character.isWhitespace }
        let path = written.dropFirst(quote == nil ? 0 : 1).prefix { !isEnd($0) }
        let rest = written.dropFirst(path.count + (quote == nil ? 0 : 2))
        return own(path, ".ps1").map { ($0, String(rest), false) }
    }

    /// Returns the path of the module that `Import-Module` loads from a file; `nil` for any other command.
    private static func module(
        _ command: CommandFact, at extent: SourceExtent, among facts: [ScriptFact], in units: [UInt16]
    ) -> String? {
        guard let name = command.name, ["import-module", "ipmo"].contains(name.lowercased()) else { return nil }
        var values: [FactValue] = []
        var isPreference = false
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, nil)
            where ["force", "disablenamechecking", "global", "name"].contains(name.lowercased()):
                continue
            case .parameter(let name, let value) where ["erroraction", "warningaction"].contains(name.lowercased()):
                isPreference = value == nil
            case .parameter: return nil
            case .value(let value):
                if !isPreference { values.append(value) }
                isPreference = false
            }
        }
        guard values.count == 1 else { return nil }
        if case .string(let path) = values[0] { return own(path[...], ".psm1") }
        for case .command(let join) in facts.lazy.filter({
            $0.extent.start > extent.start && $0.extent.end < extent.end
        })
        .map(\.detail) {
            return joinedPath(join, ".psm1")
        }
        let written = String(decoding: units[extent.start..<extent.end], as: UTF16.self)
        let parts = written.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.count == 3 ? own(parts[1], ".psm1") : nil
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
        let own: Set<String> = ["_", "psitem", "args", "input", "matches", "?"]
        guard !givesPreference, used.subtracting(set).allSatisfy({ own.contains($0) || $0.hasPrefix("env:") }),
            set.allSatisfy({ !$0.contains(":") })
        else { return nil }
        let units = Array(text.utf16)
        return "\n" + String(decoding: end == 0 ? units[...] : units[..<end], as: UTF16.self) + "\n"
    }

    /// Returns the path that `Join-Path $PSScriptRoot 'folder\helper.ps1'` builds.
    private static func joinedPath(_ command: CommandFact, _ ending: String) -> String? {
        guard command.name?.lowercased() == "join-path", command.count == 1 else { return nil }
        var values: [FactValue] = []
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, nil) where ["path", "childpath"].contains(name.lowercased()): continue
            case .value(let value): values.append(value)
            case .parameter: return nil
            }
        }
        guard values.count == 2, case .dynamic(.variable, let root?) = values[0], root.lowercased() == "psscriptroot",
            case .string(let path) = values[1]
        else { return nil }
        return own(path[...], ending)
    }

    /// Returns a path from the script's folder; `nil` if it begins elsewhere, is computed, or isn't a script's.
    private static func own(_ written: Substring, _ ending: String) -> String? {
        var path = String(written.map { $0 == "\\" ? "/" : $0 })
        let root = "$psscriptroot"
        if path.lowercased().hasPrefix(root) { path = String(path.dropFirst(root.count)) }
        // A script on its author's drive is looked for by its name alone.
        if path.dropFirst().first == ":", path.first?.isLetter == true { path = last(of: path) }
        while path.hasPrefix("/") || path.hasPrefix("./") { path.removeFirst(path.hasPrefix("/") ? 1 : 2) }
        guard path.lowercased().hasSuffix(ending), last(of: path).utf8.count > ending.utf8.count,
            !path.contains(where: { "$():".contains($0) })
        else { return nil }
        return path
    }

    private static func path(_ path: String, in folder: String) -> String {
        var parts: [Substring] = []
        for part in (folder + path).split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    private static func last(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Returns the text that has the meaning of a dot-sourced script within another one: the script itself, or, if it
    /// has parameters or may end early, a block that runs in the same scope; `nil` if neither has.
    private static func inserted(_ text: String, _ arguments: String) -> String? {
        let parsed = PowerShellParser.parse(text)
        guard let root = parsed.root, root.namedBlocks.isEmpty, root.usings.isEmpty else { return nil }
        var endsEarly = false
        for case .flow(let flow) in root.body?.statements ?? [] {
            guard flow.kind == .return else { return nil }
            endsEarly = true
        }
        guard root.parameterBlock != nil || endsEarly || arguments.contains(where: { !$0.isWhitespace }) else {
            return "\n\(text)\n"
        }
        let leaves = ScriptFacts(of: parsed).items.contains { item in
            if case .statement(let name, _) = item.detail { name == "exit" } else { false }
        }
        return leaves ? nil : ". {\n\(text)\n}\(arguments)"
    }

    private static func own(_ attached: String) -> String {
        let parts = attached.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 ? parts[0] : last(of: attached)
    }

    private func content(of path: String) async throws(MMError) -> String? {
        if let given = attached.first(where: { Self.own($0).lowercased() == Self.last(of: path).lowercased() }) {
            return try await files.attached([given]).first.map { String(decoding: $0.bytes, as: UTF8.self) }
        }
        return await files.lying(beside: file, path).map { String(decoding: $0, as: UTF8.self) }
    }
}

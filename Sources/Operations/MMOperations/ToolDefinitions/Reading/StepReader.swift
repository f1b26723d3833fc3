import MMCore
import PowerShellSyntax

/// Reads the steps of a definition and checks that every placeholder refers to a parameter or result.
struct StepReader {
    private static let methods = ["get", "post", "patch", "put", "delete"]
    private static let keys =
        methods + [
            "id", "select", "query", "body", "resource", "header", "all", "top", "run", "module", "with", "each",
            "when",
            "jq", "optional", "limit", "nothing",
        ]

    let place: String
    /// The parameters of the tool.
    let parameters: [String]

    /// Reads the steps of a definition.
    /// - Throws: `invalidInput` with the line and the remedy.
    func steps(_ reader: KeyReader) throws(MMError) -> [ToolStep] {
        let nodes = try reader.list("steps")
        guard !nodes.isEmpty else {
            throw .definition(
                place, line: reader.line, "the definition has no `steps`.",
                hint: "For example steps:, and below it - get: /users?$select=displayName")
        }
        guard nodes.count <= 50 else { throw reader.wrong("steps", "at most 50 steps") }
        var steps: [ToolStep] = []
        for (index, node) in nodes.enumerated() {
            steps.append(try step(node, index: index, before: steps.map(\.id)))
        }
        return steps
    }

    private func step(_ node: YAMLNode, index: Int, before: [String]) throws(MMError) -> ToolStep {
        let reader = try KeyReader(node, "a step", keys: Self.keys, place: place)
        let id = try reader.text("id") ?? "step\(index + 1)"
        guard ToolParameter.isName(id), id != "item", id != "params", id != "now" else {
            throw reader.wrong("id", "a name of letters and digits other than item, params and now")
        }
        guard !before.contains(id), !parameters.contains(id) else {
            throw reader.wrong("id", "a name that no other step or parameter uses")
        }
        let each = try reference("each", reader, known: before + parameters)
        let known = before + parameters + ["now"] + (each == nil ? [] : ["item"])
        let verbs = Self.methods.filter { reader.entry($0) != nil }
        let action: ToolStep.Action
        do throws(MMError) {
            switch (verbs.count, reader.entry("run")) {
            case (1, nil): action = .request(try request(verbs[0], reader))
            case (0, .some): action = .command(try command(reader))
            default:
                throw .definition(
                    place, line: reader.line, "a step must be one request (get, post, patch, put, delete) or one run.",
                    hint: "Use a separate step for each.")
            }
        } catch {
            throw error.at(place, line: reader.line)
        }
        let step = ToolStep(
            id: id, action: action, each: each,
            condition: try reference("when", reader, known: known), projection: try reader.text("jq"),
            isOptional: try reader.flag("optional"),
            limit: try reader.integer("limit", in: 1...ToolStep.greatestLimit) ?? ToolStep.usualLimit,
            nothing: try reader.text("nothing").map { (text) throws(MMError) in try ToolTemplate(text) })
        for reference in step.references where !known.contains(reference.root) {
            let near =
                NearestNames.of(reference.root, among: known, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
            throw .definition(
                place, line: reader.line, "`\(reference.root)` in {\(reference.text)} is not defined.\(near)",
                hint: known.isEmpty
                    ? "Declare it under parameters." : "Defined names: \(known.joined(separator: ", ")).")
        }
        return step
    }

    private func reference(_ key: String, _ reader: KeyReader, known: [String]) throws(MMError) -> ToolReference? {
        guard let text = try reader.text(key) else { return nil }
        let reference: ToolReference
        do throws(MMError) {
            reference = try ToolReference(text)
        } catch {
            throw error.at(place, line: reader.line(of: key))
        }
        guard known.contains(reference.root), reference.change == nil else {
            throw reader.wrong(
                key, "the name of a parameter or of an earlier step",
                hint: known.isEmpty ? nil : "Defined names: \(known.joined(separator: ", ")).")
        }
        return reference
    }

    // MARK: Requests

    private func request(_ verb: String, _ reader: KeyReader) throws(MMError) -> ToolRequest {
        let written = try reader.requiredText(verb, example: "/users")
        guard written.hasPrefix("/"), !written.hasPrefix("//"), !written.contains("#") else {
            throw reader.wrong(verb, "a path that starts with /", hint: "Set the service with resource.")
        }
        for key in ["module", "with"] where reader.entry(key) != nil {
            throw reader.wrong(key, "left out of a request", hint: "It can only be used with run.")
        }
        let halves = written.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var query: [(name: String, value: ToolTemplate)] = []
        for part in halves.count > 1 ? halves[1].split(separator: "&") : [] {
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pieces.count > 1 ? String(pieces[1]) : ""
            query.append((String(pieces[0]), try ToolTemplate(PercentCoding.decode(value.utf8) ?? value)))
        }
        for entry in try reader.map("query") {
            guard case .scalar(let text, _) = entry.value.content else {
                throw .definition(
                    place, line: entry.line, "`\(entry.key)` of query is not a string.", hint: "Use a single value.")
            }
            query.append((entry.key, try ToolTemplate(text)))
        }
        if let select = reader.entry("select") {
            let names: String
            switch select.value.content {
            case .scalar(let text, _): names = text
            case .list, .map: names = try reader.texts("select").joined(separator: ",")
            }
            query.append(("$select", try ToolTemplate(names)))
        }
        if let twice = query.map({ $0.name.lowercased() }).firstRepeated {
            throw reader.wrong(verb, "a query that has \(twice) only once", hint: "Give each option once.")
        }
        let isGet = verb == "get"
        if isGet, reader.entry("body") != nil { throw reader.wrong("body", "left out of a get") }
        for key in ["all", "top"] where !isGet && reader.entry(key) != nil {
            throw reader.wrong(key, "left out of a \(verb)", hint: "It can only be used with get.")
        }
        return ToolRequest(
            method: verb.uppercased(), path: try ToolTemplate(String(halves[0])), query: query,
            body: try reader.entry("body").map { (entry) throws(MMError) in try body(entry.value) },
            resource: try resource(reader), readsAllPages: try reader.flag("all", usual: isGet),
            top: try reader.integer("top", in: 1...1_000_000), headers: try headers(reader))
    }

    private func resource(_ reader: KeyReader) throws(MMError) -> RequestResource {
        guard let name = try reader.text("resource") else { return .graph }
        guard let resource = RequestResource(rawValue: name) else {
            let names = RequestResource.allCases.map(\.rawValue).joined(separator: ", ")
            throw reader.wrong("resource", "one of \(names)")
        }
        return resource
    }

    private func headers(_ reader: KeyReader) throws(MMError) -> [String: String] {
        let lines = try reader.texts("header")
        do throws(MMError) { return try SafeHeaders.read(lines) } catch {
            throw error.at(place, line: reader.line(of: "header"))
        }
    }

    private func body(_ node: YAMLNode) throws(MMError) -> ToolBody {
        switch node.content {
        case .scalar(let text, _):
            let value = node.json
            guard value.string != nil else { return .value(value) }
            let template = try ToolTemplate(text)
            return template.references.isEmpty
                ? .value(try template.json(in: ToolScope(parameters: [:])) ?? "") : .template(template)
        case .list(let nodes):
            var items: [ToolBody] = []
            for node in nodes { items.append(try body(node)) }
            return .list(items)
        case .map(let entries):
            var members: [(key: String, value: ToolBody)] = []
            for entry in entries { members.append((entry.key, try body(entry.value))) }
            return .object(members)
        }
    }

    // MARK: Commands

    private func command(_ reader: KeyReader) throws(MMError) -> ToolCommand {
        let script = try reader.requiredText("run", example: "Get-Mailbox -Identity $mailbox")
        let module = try reader.requiredText("module", example: "exo")
        let requestKeys = ["select", "query", "body", "resource", "header", "all", "top"]
        for key in requestKeys where reader.entry(key) != nil {
            throw reader.wrong(key, "left out of a run", hint: "It can only be used with a request.")
        }
        let parsed = PowerShellParser.parse(script)
        if let fault = parsed.errors.first {
            // A block scalar begins on the line below its key.
            let first = reader.line(of: "run") + (script.contains("\n") ? 1 : 0)
            let line = first + ScriptLines.line(of: fault.extent.start, in: script) - 1
            throw .definition(
                place, line: line, "the command doesn't parse (\(fault.id)).", hint: "To check it: mm guard check '…'")
        }
        guard parsed.root?.parameterBlock == nil else {
            throw reader.wrong(
                "run", "without a param block", hint: "Set variables under with, or use the tool's parameters."
            )
        }
        var bindings: [(variable: String, value: ToolBody)] = []
        for entry in try reader.map("with") {
            guard ScriptLines.isVariable(entry.key) else {
                throw .definition(
                    place, line: entry.line, "`\(entry.key.prefix(60))` is not a variable name.",
                    hint: "Write it without the dollar: Identity.")
            }
            bindings.append((entry.key, try body(entry.value)))
        }
        // Variables named like a parameter get its value; values are never inserted into the text.
        let taken = Set(bindings.map { $0.variable.lowercased() })
        for name in ScriptLines.variables(of: parsed) where !taken.contains(name.lowercased()) {
            guard let parameter = parameters.first(where: { $0.lowercased() == name.lowercased() }) else { continue }
            bindings.append((parameter, .template(try ToolTemplate("{\(parameter)}"))))
        }
        return ToolCommand(module: module, script: script, bindings: bindings)
    }
}

extension ToolStep {
    /// The placeholders of the step.
    package var references: [ToolReference] {
        switch action {
        case .request(let request):
            request.path.references + request.query.flatMap(\.value.references) + (request.body?.references ?? [])
                + (nothing?.references ?? [])
        case .command(let command): command.bindings.flatMap(\.value.references) + (nothing?.references ?? [])
        }
    }
}

extension [String] {
    /// The first text that occurs twice.
    var firstRepeated: String? {
        var seen: Set<String> = []
        return first { !seen.insert($0).inserted }
    }
}

package import MMCore

/// Reads a definition that is a YAML file.
package struct YAMLDefinition {
    private static let keys = [
        "name", "title", "description", "words", "group", "parameters", "steps", "answer", "columns", "examples",
        "readOnly", "plan", "cmdlets",
    ]

    private let place: String

    /// Reads a definition.
    /// - Parameters:
    ///   - bytes: the text.
    ///   - name: the name to use if the definition has none.
    ///   - place: the path of the file, or the name of the recipe.
    /// - Throws: `invalidInput` with the place, the line and the remedy.
    package static func read(_ bytes: [UInt8], name: String, place: String) throws(MMError) -> ToolDefinition {
        guard let node = try YAMLNode.read(bytes, name: place) else {
            throw .definition(place, line: 1, "the file is empty.", hint: "It needs name, description and steps.")
        }
        return try YAMLDefinition(place: place).definition(
            node, name: name, source: String(decoding: bytes, as: UTF8.self))
    }

    private func definition(_ node: YAMLNode, name: String, source: String) throws(MMError) -> ToolDefinition {
        let reader = try KeyReader(node, "the definition", keys: Self.keys, place: place)
        let name = try reader.text("name") ?? name
        guard ToolDefinition.isName(name) else {
            throw reader.wrong(
                "name", "a name of letters, digits, - and _ that starts with a letter",
                hint: "For example name: unused-guests.")
        }
        let description = try reader.requiredText("description", example: "Guests who have not signed in for a while.")
        var parameters: [ToolParameter] = []
        for entry in try reader.map("parameters") { parameters.append(try parameter(entry)) }
        let work: ToolDefinition.Work
        if reader.entry("cmdlets") != nil {
            guard reader.entry("steps") == nil, parameters.isEmpty else {
                throw reader.wrong("cmdlets", "without parameters and steps, which come from the cmdlets")
            }
            work = .cmdlets(try cmdlets(reader))
        } else {
            let steps = try StepReader(place: place, parameters: parameters.map(\.name)).steps(reader)
            work = .steps(steps, answer: try reader.text("answer"))
        }
        let summary = ToolDefinition.firstSentence(of: description)
        var definition = ToolDefinition(
            name: name, title: try reader.text("title") ?? summary, summary: summary, description: description,
            group: try reader.text("group"), parameters: parameters, examples: try examples(reader), work: work,
            source: source, place: place)
        definition.words = ToolDefinition.words(in: try reader.text("words") ?? "")
        definition.isReadOnly = try reader.flag("readOnly")
        definition.isPlan = try reader.flag("plan")
        definition.columns = try reader.texts("columns")
        return definition
    }

    private func parameter(_ entry: YAMLNode.Entry) throws(MMError) -> ToolParameter {
        guard ToolParameter.isName(entry.key) else {
            throw .definition(
                place, line: entry.line, "`\(entry.key.prefix(60))` can't be the name of a parameter.",
                hint: "Start with a lowercase letter, then use letters and digits: userName.")
        }
        guard !["item", "now", "params"].contains(entry.key) else {
            throw .definition(
                place, line: entry.line, "`\(entry.key)` is reserved and can't be a parameter.",
                hint: "Use another name.")
        }
        let keys = ["type", "description", "default", "enum", "required", "pattern", "minimum", "maximum"]
        let reader = try KeyReader(entry.value, "the parameter \(entry.key)", keys: keys, place: place)
        let kind: ToolParameter.Kind
        let word = try reader.text("type") ?? "string"
        if let known = ToolParameter.Kind(rawValue: word) {
            kind = known
        } else {
            let kinds = ToolParameter.Kind.allCases.map(\.rawValue)
            let near = NearestNames.of(word, among: kinds, limit: 1).first.map { "For example type: \($0)." }
            throw reader.wrong("type", "one of \(kinds.joined(separator: ", "))", hint: near)
        }
        var parameter = ToolParameter(
            entry.key, kind, try reader.requiredText("description", example: "How many days back."))
        parameter.isRequired = try reader.flag("required")
        parameter.choices = try reader.texts("enum")
        parameter.pattern = try reader.text("pattern")
        let bounds = (Int.min / 2)...(Int.max / 2)
        let least = try reader.integer("minimum", in: bounds)
        let most = try reader.integer("maximum", in: bounds)
        if least != nil || most != nil {
            guard kind == .integer || kind == .number else {
                throw reader.wrong(least == nil ? "maximum" : "minimum", "left out unless the type is a number")
            }
            guard least ?? .min <= most ?? .max else { throw reader.wrong("maximum", "at least the minimum") }
            parameter.range = (least ?? .min)...(most ?? .max)
        }
        guard let written = reader.entry("default") else { return parameter }
        guard !parameter.isRequired else {
            throw reader.wrong("default", "left out if required is true", hint: "Leave out one of the two.")
        }
        do throws(MMError) {
            parameter.defaultValue = try parameter.checked(written.value.json)
        } catch {
            throw error.at(place, line: written.line)
        }
        return parameter
    }

    private func cmdlets(_ reader: KeyReader) throws(MMError) -> CmdletPattern {
        guard let entry = reader.entry("cmdlets") else { throw reader.wrong("cmdlets", "a map") }
        let inner = try KeyReader(entry.value, "cmdlets", keys: ["module", "pattern", "limit"], place: place)
        return CmdletPattern(
            module: try inner.requiredText("module", example: "exo"),
            pattern: try inner.requiredText("pattern", example: "Get-Mailbox*"),
            limit: try inner.integer("limit", in: 1...CmdletPattern.greatestLimit) ?? CmdletPattern.usualLimit)
    }

    private func examples(_ reader: KeyReader) throws(MMError) -> [ToolDefinition.Example] {
        var examples: [ToolDefinition.Example] = []
        for item in try reader.list("examples") {
            let inner = try KeyReader(item, "an example", keys: ["flags", "purpose"], place: place)
            examples.append(
                .init(
                    text: inner.entry("flags")?.value.json.string ?? "",
                    purpose: try inner.requiredText("purpose", example: "…")))
        }
        return examples
    }
}

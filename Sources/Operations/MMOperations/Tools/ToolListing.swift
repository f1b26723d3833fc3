import MMCore

/// What is on a shelf, as a list.
struct ToolListing {
    let shelf: ToolShelf
    let effects: ToolEffects

    /// The list; where words are given, of what holds them all.
    func answer(search: String?) -> OperationAnswer {
        let contents = shelf.contents()
        let words = (search ?? "").lowercased().split(separator: " ").map(String.init)
        let found = contents.definitions.filter { tool in
            let text = "\(tool.name) \(tool.title) \(tool.description) \(tool.group ?? "")".lowercased()
            return words.allSatisfy { text.contains($0) }
        }
        let rows = found.map { tool -> JSONValue in
            var row: JSONObject = ["name": .string(tool.name), "summary": .string(tool.summary)]
            row["group"] = tool.group.map { .string($0) }
            row["changes"] = .bool(!effects.effects(of: tool).readOnly)
            row["parameters"] = .array(tool.parameters.map { .string($0.isRequired ? $0.name : "[\($0.name)]") })
            if case .own = shelf { row["file"] = .string(tool.place) }
            return .object(row)
        }
        var answer = OperationAnswer.value(.array(rows), columns: ["group", "name", "changes", "summary"])
        if case .own = shelf { answer.columns.removeFirst() }
        answer.notes = contents.problems.map { problem in
            "can't be used: " + problem.message + (problem.hint.map { " \($0)" } ?? "")
        }
        if !contents.problems.isEmpty { answer.exitStatus = 1 }
        answer.text = text(of: found, isSearch: !words.isEmpty, hasProblems: !contents.problems.isEmpty)
        return answer
    }

    private func text(of tools: [ToolDefinition], isSearch: Bool, hasProblems: Bool) -> String {
        guard !tools.isEmpty else {
            if isSearch { return "Nothing holds these words. `mm \(shelf.operation)` lists everything." }
            guard case .own(let paths) = shelf, !hasProblems else { return "" }
            return
                "There are no tools of your own yet. Put a .yaml or .ps1 file into \(paths.toolsDirectory); begin with one "
                + "of `mm recipe --show`, and see Docs/Tools.md."
        }
        let width = (tools.map(\.name.count).max() ?? 0) + 2
        var lines: [String] = []
        var group: String?
        for tool in tools {
            if let own = tool.group, own != group {
                if !lines.isEmpty { lines.append("") }
                lines.append(own)
                group = own
            }
            let mark = effects.effects(of: tool).readOnly ? " " : "*"
            lines.append(
                "\(tool.group == nil ? "" : "  ")\(tool.name)" + String(repeating: " ", count: width - tool.name.count)
                    + "\(mark) "
                    + tool.summary)
        }
        if tools.contains(where: { !effects.effects(of: $0).readOnly }) {
            lines += ["", "* changes something; --dry-run shows what."]
        }
        lines.append("`mm \(shelf.operation) NAME --help` tells what one takes, --show how it is written.")
        return lines.joined(separator: "\n")
    }
}

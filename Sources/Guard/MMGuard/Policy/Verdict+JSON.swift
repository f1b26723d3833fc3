public import MMCore

extension Verdict {
    /// The verdict as JSON, for scripts and models.
    public var json: JSONObject {
        var object: JSONObject = [
            "verdict": .string(decision.rawValue), "class": .string(guardClass.rawValue),
            "classes": .array(classes.classes.map { .string($0.rawValue) }), "rule": .string(rule),
            "reason": .string(reason),
        ]
        if let instead { object["instead"] = .string(instead) }
        if let place { object["place"] = .object(place.json) }
        if !previews.isEmpty { object["preview"] = .array(previews.flatMap(\.lines).map(JSONValue.string)) }
        if !warnings.isEmpty { object["warnings"] = .array(warnings.map(JSONValue.string)) }
        if findings.count > 1 { object["findings"] = .array(findings.map { .object($0.json) }) }
        return object
    }
}

extension GuardFinding {
    /// The finding as JSON.
    public var json: JSONObject {
        var object: JSONObject = [
            "rule": .string(rule), "class": .string(classes.strictest.rawValue), "reason": .string(reason),
        ]
        if let instead { object["instead"] = .string(instead) }
        if let subject { object["subject"] = .string(subject) }
        if let place { object["place"] = .object(place.json) }
        return object
    }
}

extension SourcePlace {
    /// The position as JSON.
    public var json: JSONObject {
        [
            "line": .int(Int64(line)), "column": .int(Int64(column)), "offset": .int(Int64(offset)),
            "length": .int(Int64(length)), "text": .string(text),
        ]
    }

    /// The line with its number, and below it carets under the position, as a person is shown it. Tabs are kept, so
    /// that the carets are aligned with the text; they end with the line.
    public var underlined: [String] {
        let number = "\(line) | "
        var units = 0
        var before = ""
        var under = 0
        for character in lineText {
            let width = String(character).utf16.count
            if units < column - 1 {
                before.append(character == "\t" ? "\t" : " ")
            } else if units < column - 1 + max(length, 1) {
                under += 1
            }
            units += width
        }
        let margin = String(repeating: " ", count: number.count)
        return [number + lineText, margin + before + String(repeating: "^", count: max(under, 1))]
    }
}

extension GuardRuleDescription {
    /// The rule as JSON.
    public var json: JSONObject {
        var object: JSONObject = ["id": .string(id), "kind": .string(kind), "explanation": .string(explanation)]
        if let guardClass { object["class"] = .string(guardClass) }
        if let instead { object["instead"] = .string(instead) }
        if !patterns.isEmpty { object["patterns"] = .array(patterns.map(JSONValue.string)) }
        return object
    }
}

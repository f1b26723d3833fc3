package import MMCore

/// A reader of the arguments of one call by the operation's declared fields. Each error names the field, also in its
/// details for programs, the value or its kind, and the remedy. Operations don't use it directly: their inputs are read
/// by ``Argument``.
public struct InputReader: Sendable {
    private let operation: String
    private let arguments: JSONObject
    private let fields: [InputField]

    /// Creates a reader for the arguments of one call.
    /// - Parameters:
    ///   - operation: the operation's name, for messages.
    ///   - arguments: the arguments that the caller sent.
    ///   - fields: the fields that the operation declares.
    /// - Throws: `MMError.invalidInput` if an argument is unknown or a required one is missing.
    package init(operation: String, arguments: JSONObject, fields: [InputField]) throws(MMError) {
        self.operation = operation
        self.arguments = arguments
        self.fields = fields
        for key in arguments.keys where !fields.contains(where: { $0.name == key }) {
            let known = fields.filter(\.isOfferedToModels).map(\.name)
            let near = ArgumentNames.meant(by: key, among: known).map { " Did you mean `\($0)`?" } ?? ""
            throw refused(
                key, "\(operation) has no argument `\(key)`.\(near)",
                hint: known.isEmpty
                    ? "It takes none." : "Its arguments are \(known.map { "`\($0)`" }.joined(separator: ", ")).")
        }
        // A resumed call has its arguments already.
        let isResumed = fields.contains { $0.name == "resume" } && !isAbsent("resume")
        for field in fields where field.isRequired && isAbsent(field.name) && !isResumed { throw missing(field.name) }
    }

    /// Returns arguments in the form of their schemas, however a model writes them: with objects in place of their
    /// texts, and choices as declared. A value of a wrong kind and an unknown choice stay, so that the check against
    /// the schema names them.
    /// - Throws: `invalidInput` for a text that is no such object: that check could only say that it is a text.
    package static func plain(
        _ arguments: JSONObject, _ fields: [InputField], of operation: String
    ) throws(MMError) -> JSONObject {
        var plain = arguments
        for field in fields {
            guard let text = arguments[field.name], text.string != nil else { continue }
            let reader = try InputReader(operation: operation, arguments: [field.name: text], fields: [field])
            if let value = try reader.plain(field) { plain[field.name] = value }
        }
        return plain
    }

    private func plain(_ field: InputField) throws(MMError) -> JSONValue? {
        let name = field.name
        guard !isAbsent(name) else { return nil }
        switch field.kind {
        case .choice: return (try? text(name)).map { .string($0) }
        case .object: return try object(name).map { .object($0) }
        case .objectOrList: return try objectOrList(name)
        case .parameters:
            let list = try parameters(name)
            if let twice = list.map(\.name).firstRepeated {
                throw refused(name, "`\(name)` of \(operation) has `\(twice)` twice.", hint: "Give each name once.")
            }
            return .object(JSONObject(list.map { ($0.name, .string($0.value)) }))
        case .arguments: return .object(JSONObject(try self.arguments(name).map { ($0.name, $0.value) }))
        case .flag, .integer, .text, .textList, .calls: return nil
        }
    }

    private func isAbsent(_ name: String) -> Bool {
        switch arguments[name] {
        case nil, .null: true
        case .string(let text): text.isEmpty
        default: false
        }
    }

    private func value(_ name: String) throws(MMError) -> JSONValue? {
        guard fields.contains(where: { $0.name == name }) else {
            throw MMError(.internalError, "\(operation) reads `\(name)`, which is not among its arguments.")
        }
        return isAbsent(name) ? nil : arguments[name]
    }

    private func refused(_ name: String, _ message: String, hint: String?) -> MMError {
        MMError(.invalidInput, message, hint: hint, details: ["field": .string(name)])
    }

    /// Returns the field as help describes it.
    private func meaning(of name: String) -> String? {
        fields.first { $0.name == name }.map { "\(name): \($0.summary)" }
    }

    /// Returns the error for a value of a wrong kind.
    /// - Parameters:
    ///   - member: the member of the argument that has the value, if it isn't the argument itself.
    ///   - given: what was given, where the value's kind doesn't tell.
    private func wrong(
        _ name: String, member: String? = nil, _ value: JSONValue, due: String, given: String? = nil
    ) -> MMError {
        let place = member.map { "\(name).\($0)" } ?? name
        return refused(
            name, "`\(place)` of \(operation) must be \(due), not \(given ?? value.kindName).", hint: meaning(of: name))
    }

    /// Returns a text; `nil` if absent or empty. Choices are found by their other names, too, and returned as declared.
    /// - Throws: `invalidInput` that names the argument and the required kind of value.
    package func text(_ name: String) throws(MMError) -> String? {
        guard let value = try value(name) else { return nil }
        guard let text = value.string else { throw wrong(name, value, due: "a string") }
        guard !text.utf8.contains(0) else {
            throw refused(name, "`\(name)` of \(operation) contains a NUL character.", hint: "Remove it.")
        }
        guard case .choice(let words)? = fields.first(where: { $0.name == name })?.kind else { return text }
        if let word = ChoiceWords.meant(by: text, among: words) { return word }
        let near = NearestNames.of(text, among: words, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        throw refused(
            name, "`\(name)` of \(operation) can't be `\(text.prefix(60))`.\(near)",
            hint: "It is one of \(words.joined(separator: ", ")).")
    }

    /// Returns a text as it was written, even an empty one; `nil` if absent.
    package func written(_ name: String) throws(MMError) -> String? {
        _ = try value(name)
        return arguments[name]?.string
    }

    /// Returns a required text.
    /// - Throws: `invalidInput` if it is absent or not a text.
    package func requiredText(_ name: String) throws(MMError) -> String {
        guard let text = try text(name) else { throw missing(name) }
        return text
    }

    /// Returns the error for a missing required argument.
    func missing(_ name: String) -> MMError {
        refused(name, "\(operation) needs the argument `\(name)`.", hint: meaning(of: name))
    }

    /// Returns a Boolean; false if absent. The texts `true` and `false` are accepted in any case, since models write
    /// them.
    /// - Throws: `invalidInput` that names the argument and the required kind of value.
    package func flag(_ name: String) throws(MMError) -> Bool {
        guard let value = try value(name) else { return false }
        if let flag = value.bool { return flag }
        switch value.string?.lowercased() {
        case "true": return true
        case "false": return false
        default: throw wrong(name, value, due: "true or false")
        }
    }

    /// Returns a whole number within the declared bounds; `nil` if absent.
    /// - Throws: `invalidInput` that names the argument and the required kind of value.
    package func integer(_ name: String) throws(MMError) -> Int? {
        guard let value = try value(name) else { return nil }
        guard let number = value.int ?? value.string.flatMap({ Int($0) }) else {
            let isNumber = value.double != nil
            throw wrong(name, value, due: "a whole number", given: isNumber ? String("\(value)".prefix(40)) : nil)
        }
        if case .integer(let range)? = fields.first(where: { $0.name == name })?.kind, !range.contains(number) {
            throw refused(
                name, "`\(name)` of \(operation) is \(number).",
                hint: "It must be between \(range.lowerBound) and \(range.upperBound).")
        }
        return number
    }

    /// Returns a JSON object; `nil` if absent. A text that contains a JSON object is accepted, since models write it.
    /// - Throws: `invalidInput` that names the argument and the required kind of value.
    package func object(_ name: String) throws(MMError) -> JSONObject? {
        guard let value = try value(name) else { return nil }
        return try object(in: value, name)
    }

    /// Returns a JSON object or list, either also from a text that contains it; `nil` if absent.
    /// - Throws: `invalidInput` that names the argument and the required kind of value.
    package func objectOrList(_ name: String) throws(MMError) -> JSONValue? {
        guard let value = try value(name) else { return nil }
        if value.array != nil { return value }
        if let text = value.string, text.first(where: { !$0.isWhitespace }) == "[",
            let list = try? JSONParser.parse(text, limits: .strict)
        {
            return list
        }
        return .object(try object(in: value, name))
    }

    /// - Parameter member: the member of the argument that has the value, if it isn't the argument itself.
    private func object(in value: JSONValue, _ name: String, member: String? = nil) throws(MMError) -> JSONObject {
        switch value {
        case .object(let object): return object
        case .string(let text):
            let parsed: JSONValue
            do throws(JSONError) {
                parsed = try JSONParser.parse(text, limits: .strict)
            } catch {
                let place = member.map { "\(name).\($0)" } ?? name
                throw refused(
                    name, "`\(place)` of \(operation) isn't a JSON object: \(error).", hint: meaning(of: name))
            }
            guard let object = parsed.object else { throw wrong(name, member: member, parsed, due: "a JSON object") }
            return object
        default: throw wrong(name, member: member, value, due: "a JSON object")
        }
    }

    /// Returns the value of an argument that holds named values. A text that begins as a JSON object is one, since
    /// models write it: read as `name=value`, it would be a single name, and the service would ignore that.
    private func namedValues(_ name: String) throws(MMError) -> JSONValue? {
        guard let value = try value(name) else { return nil }
        guard value.string?.first(where: { !$0.isWhitespace }) == "{" else { return value }
        return try object(name).map { .object($0) }
    }

    /// Returns named parameters from an object or from `name=value&name=value`, in the order written. A name may begin
    /// with `?` as in an address. A list is written with commas, as services take one (`$select`), and what is null is
    /// left out.
    /// - Throws: `invalidInput` that names the argument and the required kind of value.
    package func parameters(_ name: String) throws(MMError) -> [(name: String, value: String)] {
        guard let value = try namedValues(name) else { return [] }
        switch value {
        case .object(let object):
            var list: [(name: String, value: String)] = []
            for (key, item) in object where !item.isNull {
                let plain = String(key.drop { $0 == "?" })
                let items = item.array ?? [item]
                let texts = items.compactMap(ToolParameter.text(of:))
                guard !items.isEmpty, texts.count == items.count else {
                    throw wrong(name, member: key, item, due: "a string, number, boolean or list of them")
                }
                list.append((plain, texts.joined(separator: ",")))
            }
            return list
        case .string(let text):
            return QueryText.options(of: text.drop { $0 == "?" }).map { part in
                let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(pieces[0]), pieces.count > 1 ? String(pieces[1]) : "")
            }
        default: throw wrong(name, value, due: "an object or name=value text")
        }
    }

    /// Returns values for a script's parameters, any JSON values, in the order written. In the form
    /// `name=value&name=value`, a name alone is true, and a name that occurs several times has a list.
    package func arguments(_ name: String) throws(MMError) -> [(name: String, value: JSONValue)] {
        guard let value = try namedValues(name) else { return [] }
        var list: [(name: String, value: JSONValue)] = []
        switch value {
        case .object(let object):
            list = object.map { ($0.key, $0.value) }
        case .string(let text):
            for part in text.split(separator: "&") {
                let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                list.append((String(pieces[0]), pieces.count > 1 ? .string(String(pieces[1])) : true))
            }
        default: throw wrong(name, value, due: "an object or name=value text")
        }
        return Self.gathered(list)
    }

    /// Merges the values of a name that occurs several times into a list.
    private static func gathered(_ list: [(name: String, value: JSONValue)]) -> [(name: String, value: JSONValue)] {
        var gathered: [(name: String, value: JSONValue)] = []
        for (name, value) in list {
            guard let index = gathered.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) else {
                gathered.append((name, value))
                continue
            }
            gathered[index].value = .array(
                (gathered[index].value.array ?? [gathered[index].value]) + (value.array ?? [value]))
        }
        return gathered
    }

    /// Returns calls of other operations, in order; a single call is accepted as a list of one.
    /// - Throws: `invalidInput` for what is no call. Without its arguments a call is another one, which may change
    ///   nothing and succeed.
    package func calls(_ name: String) throws(MMError) -> [(tool: String, arguments: JSONObject)] {
        guard let value = try value(name) else { return [] }
        var calls: [(tool: String, arguments: JSONObject)] = []
        for row in value.array ?? [value] {
            guard let call = row.object else {
                throw wrong(name, row, due: "a list of calls, each with its `tool` and `arguments`")
            }
            let number = "Call \(calls.count + 1) of `\(name)`"
            guard let tool = call["tool"]?.string ?? call["operation"]?.string else {
                throw refused(name, "\(number) doesn't name its `tool`.", hint: meaning(of: name))
            }
            if let other = call.keys.first(where: { !["tool", "operation", "arguments"].contains($0) }) {
                throw refused(
                    name, "\(number) has `\(other)` beside its `tool` and `arguments`.",
                    hint: "Put it into `arguments`, if it is an argument of \(tool).")
            }
            let given = call["arguments"] ?? .null
            calls.append((tool, given == .null ? [:] : try object(in: given, name, member: "arguments")))
        }
        return calls
    }

    /// Returns a list of texts; a single text is accepted as a list of one.
    /// - Throws: `invalidInput` that names the argument and the required kind of value.
    package func textList(_ name: String) throws(MMError) -> [String]? {
        guard let value = try value(name) else { return nil }
        if let text = value.string { return [text] }
        guard let items = value.array else { throw wrong(name, value, due: "a list of strings") }
        var texts: [String] = []
        for item in items {
            guard let text = item.string else { throw wrong(name, item, due: "a list of strings") }
            texts.append(text)
        }
        return texts
    }
}

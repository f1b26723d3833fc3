import MMSystem

/// .NET's regular expressions as objects: `[regex]'…'`, its matches and their groups.
enum RegexObjects {
    static let regexType = "System.Text.RegularExpressions.Regex"
    static let matchType = "System.Text.RegularExpressions.Match"
    static let groupType = "System.Text.RegularExpressions.Group"
    /// The property that stores a pattern, under a name that no script can write.
    private static let hidden = "\u{0}pattern"

    /// A pattern with its options.
    struct Written {
        /// The pattern as the script wrote it.
        let pattern: String
        fileprivate let options: Int32

        /// The pattern with the options that stand in it.
        var whole: String {
            let letters = (options & 2 != 0 ? "m" : "") + (options & 16 != 0 ? "s" : "")
            return letters.isEmpty ? pattern : "(?\(letters))" + pattern
        }

        var ignoresCase: Bool { options & 1 != 0 }
    }

    // MARK: Expressions

    /// Returns the object of `[regex]'…'`.
    static func made(_ pattern: String, options: PSValue? = nil) throws(Interrupt) -> PSValue {
        let written = Written(pattern: pattern, options: try Self.options(options))
        do throws(Interrupt) {
            _ = try Pattern(written.whole, ignoringCase: written.ignoresCase)
        } catch {
            throw .handOver("a regular expression that .NET may refuse")
        }
        let flags = PSValue.enumeration(PSEnum(.regexOptions, written.options))
        guard
            let object = PSObject(
                [("Options", flags), (hidden, .string(pattern))], typeName: regexType, isCustom: false)
        else { throw .handOver("an unusual regular expression") }
        return .object(object)
    }

    /// Returns the pattern of an expression's object; `nil` for any other value.
    static func written(_ value: PSValue) -> Written? {
        guard case .object(let object) = value, object.typeName == regexType,
            case .string(let pattern)? = object[hidden],
            case .enumeration(let flags)? = object["Options"]
        else { return nil }
        return Written(pattern: pattern, options: flags.value)
    }

    /// The options that are read alike, as bits: those that change what is found (IgnoreCase, Multiline, Singleline),
    /// and those that don't (Compiled, CultureInvariant).
    private static let known: Int32 = 1 | 2 | 16 | 8 | 512

    /// Reads options, as bits.
    private static func options(_ value: PSValue?) throws(Interrupt) -> Int32 {
        var bits: Int32 = 0
        switch value {
        case nil: break
        case .enumeration(let own)? where own.kind == .regexOptions: bits = own.value
        case .string?, .array?:
            for item in Cmdlets.list(value) {
                guard let own = PSEnum(.regexOptions, reading: item.text) else {
                    throw .handOver("unusual options of a regular expression")
                }
                bits |= own.value
            }
        default: throw .handOver("unusual options of a regular expression")
        }
        guard bits & ~known == 0 else { throw .handOver("unusual options of a regular expression") }
        return bits
    }

    // MARK: Matches

    /// Returns the object of a match in a text.
    static func match(_ match: RegularExpression.Match, of pattern: Pattern, in text: TextUnits) -> PSValue {
        var groups = [group("0", match.range, text, matchType)]
        // .NET numbers named groups after unnamed ones.
        let named = Set(pattern.names.map(\.number))
        var number = 0
        for (place, range) in match.groups.enumerated() where !named.contains(place) {
            number += 1
            groups.append(group(String(number), range, text))
        }
        for (name, place) in pattern.names where match.groups.indices.contains(place) {
            groups.append(group(name, match.groups[place], text))
        }
        return whole(match.range, groups, text)
    }

    /// The object that represents a failed match.
    static var none: PSValue { whole(nil, [group("0", nil, TextUnits(""), matchType)], TextUnits("")) }

    private static func whole(_ range: Range<Int>?, _ groups: [PSValue], _ text: TextUnits) -> PSValue {
        let pairs = members("0", range, text) + [("Groups", .array(groups))]
        return PSObject(pairs, typeName: matchType, isCustom: false).map { .object($0) } ?? .null
    }

    private static func group(
        _ name: String, _ range: Range<Int>?, _ text: TextUnits, _ type: String = groupType
    ) -> PSValue {
        PSObject(members(name, range, text), typeName: type, isCustom: false).map { .object($0) } ?? .null
    }

    private static func members(_ name: String, _ range: Range<Int>?, _ text: TextUnits) -> [(String, PSValue)] {
        let (part, start) = range.map { text.part(ofBytes: $0) } ?? ("", 0)
        return [
            ("Success", .bool(range != nil)), ("Name", .string(name)),
            ("Index", .int(Int32(truncatingIfNeeded: start))),
            ("Length", .int(Int32(truncatingIfNeeded: part.utf16.count))), ("Value", .string(part)),
        ]
    }

    /// Returns the group with a name among the groups of a match; `nil` for any other list.
    static func group(_ name: String, among items: [PSValue]) -> PSValue? {
        guard case .object(let first)? = items.first, first.typeName == matchType, first["Groups"] == nil else {
            return nil
        }
        for case .object(let group) in items where group["Name"]?.text == name { return .object(group) }
        return group(name, nil, TextUnits(""))
    }

    // MARK: Calls

    /// Calls a method of an expression's object; `nil` for any other object.
    static func call(
        _ target: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        guard let written = written(.object(target)) else { return nil }
        guard method != "tostring" || !arguments.isEmpty else { return .string(written.pattern) }
        let pattern = try evaluator.pattern(written.whole, ignoringCase: written.ignoresCase)
        return try call(method, pattern, arguments, in: evaluator)
    }

    /// Evaluates `[regex]::method(text, pattern, …)`; `nil` for other methods.
    static func call(
        _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        let names = [
            "match": "Match", "matches": "Matches", "ismatch": "IsMatch", "replace": "Replace", "split": "Split",
        ]
        guard names[method] != nil, arguments.count >= 2 else { return nil }
        var rest = arguments
        let expression = rest.remove(at: 1)
        guard case .string(let text) = expression else { throw .handOver("an unusual regular expression") }
        let plain = method == "replace" ? 2 : 1
        guard rest.count == plain || rest.count == plain + 1 else { throw .handOver("an unusual regular expression") }
        let written = Written(pattern: text, options: try options(rest.count > plain ? rest.removeLast() : nil))
        return try call(
            method,
            try evaluator.pattern(
                written.whole, ignoringCase: written.ignoresCase,
                for: written.whole == text ? .call(names[method] ?? "", arguments.count) : .other),
            rest, in: evaluator)
    }

    private static func call(
        _ method: String, _ pattern: Pattern, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        guard let first = arguments.first, !first.isNull else { throw .handOver("an unusual regular expression") }
        switch first {
        case .string, .int, .long, .double, .char, .bool, .guid, .date, .array: break
        default: throw .handOver("a search in a \(first.typeName)")
        }
        let text = try PSText.string(first)
        let (units, all) = (Array(text.utf8), TextUnits(text))
        switch (method, arguments.count) {
        case ("match", 1):
            return try pattern.first(in: units, for: evaluator).map { match($0, of: pattern, in: all) } ?? none
        case ("matches", 1):
            var found: [PSValue] = []
            try pattern.eachMatch(in: units, for: evaluator) { found.append(match($0, of: pattern, in: all)) }
            return .array(found)
        case ("ismatch", 1): return .bool(try pattern.first(in: units, for: evaluator) != nil)
        case ("split", 1): return .array(try TextOperators.split(text, pattern, limit: 0, for: evaluator))
        case ("replace", 2), ("replace", 3):
            var limit = Int.max
            if arguments.count == 3 {
                guard case .int(let count) = arguments[2] else { throw .handOver("an unusual regular expression") }
                limit = count < 0 ? .max : Int(count)
            }
            switch arguments[1] {
            case .string(let replacement):
                return .string(
                    try TextOperators.replace(text, pattern, with: replacement, limit: limit, for: evaluator))
            case .block(let block):
                return .string(
                    try TextOperators.replace(text, pattern, limit: limit, for: evaluator) {
                        (match) throws(Interrupt) in
                        try PSText.string(.collapsed(try evaluator.invoke(block, [match])))
                    })
            default: throw .handOver("an unusual replacement")
            }
        default: throw .handOver("the method \(method) of regular expressions")
        }
    }
}

import MMSystem

/// `-match`, `-replace`, `-split`, `-join` and `-f`.
enum TextOperators {
    /// Evaluates `-replace` for one text.
    static func replace(
        _ text: String, _ pattern: Pattern, with replacement: String, limit: Int = .max, for evaluator: Evaluator
    ) throws(Interrupt) -> String {
        let units = Array(text.utf8)
        let template = Array(replacement.utf8)
        var result: [UInt8] = []
        var place = 0
        try pattern.eachMatch(in: units, limit: limit, for: evaluator) { (match) throws(Interrupt) in
            guard result.count <= evaluator.limits.textBytes else { throw .handOver("a long text") }
            result += units[place..<match.range.lowerBound]
            var at = 0
            while at < template.count {
                let unit = template[at]
                at += 1
                guard unit == UInt8(ascii: "$"), at < template.count else {
                    result.append(unit)
                    continue
                }
                if let piece = Substitution(template[at...], in: pattern) {
                    result += try piece.units(match, in: units)
                    at += piece.length
                } else {
                    result.append(unit)
                }
            }
            place = match.range.upperBound
        }
        if place == 0, result.isEmpty { return text }
        result += units[place...]
        return String(decoding: result, as: UTF8.self)
    }

    /// Evaluates `-replace` with a block for one text: each match is replaced with the block's result.
    static func replace(
        _ text: String, _ pattern: Pattern, limit: Int = .max, for evaluator: Evaluator,
        with made: (PSValue) throws(Interrupt) -> String
    ) throws(Interrupt) -> String {
        let (units, all) = (Array(text.utf8), TextUnits(text))
        var result: [UInt8] = []
        var place = 0
        try pattern.eachMatch(in: units, limit: limit, for: evaluator) { (match) throws(Interrupt) in
            guard result.count <= evaluator.limits.textBytes else { throw .handOver("a long text") }
            result += units[place..<match.range.lowerBound]
            result += Array(try made(RegexObjects.match(match, of: pattern, in: all)).utf8)
            place = match.range.upperBound
        }
        return String(decoding: result + units[place...], as: UTF8.self)
    }

    /// Evaluates `-split` for one text: the parts between the matches, and the groups of each match.
    static func split(
        _ text: String, _ pattern: Pattern, limit: Int, for evaluator: Evaluator
    ) throws(Interrupt) -> [PSValue] {
        guard limit >= 0, limit == 0 || pattern.groupCount == 0 else {
            throw .handOver("an unusual split")
        }
        let units = Array(text.utf8)
        var parts: [PSValue] = []
        var place = 0
        try pattern.eachMatch(in: units, limit: limit == 0 ? .max : limit - 1, for: evaluator) {
            (match) throws(Interrupt) in
            guard parts.count <= evaluator.limits.listItems else { throw .handOver("a long list") }
            guard limit == 0 || !match.range.isEmpty else { throw .handOver("a split at nothing") }
            parts.append(.string(String(decoding: units[place..<match.range.lowerBound], as: UTF8.self)))
            for place in pattern.order {
                if let group = match.groups[place] {
                    parts.append(.string(String(decoding: units[group], as: UTF8.self)))
                }
            }
            place = match.range.upperBound
        }
        parts.append(.string(String(decoding: units[place...], as: UTF8.self)))
        return parts
    }

    /// Returns a GUID in one of .NET's formats; `nil` for the one with braces around each part.
    static func text(ofGUID text: String, _ format: String) -> String? {
        switch format.lowercased() {
        case "n": text.filter { $0 != "-" }
        case "d", "": text
        case "b": "{" + text + "}"
        case "p": "(" + text + ")"
        default: nil
        }
    }

    /// Evaluates `-f` with indexes, widths, and the formats of numbers and dates; other formats are handed over.
    static func format(
        _ template: String, _ arguments: [PSValue], culture: String = ""
    ) throws(Interrupt) -> String {
        var text = ""
        var rest = Substring(template)
        while let mark = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            text += rest[..<mark]
            let sign = rest[mark]
            rest = rest[rest.index(after: mark)...]
            if rest.first == sign {
                text.append(sign)
                rest = rest.dropFirst()
                continue
            }
            guard sign == "{", let end = rest.firstIndex(of: "}") else { throw .statement(badFormat) }
            let item = rest[..<end]
            rest = rest[rest.index(after: end)...]
            let halves = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let head = halves[0].split(separator: ",", omittingEmptySubsequences: false)
            // An item begins with the digits of its index.
            if let first = item.utf8.first, !(0x30...0x39).contains(first), first < 0x80 { throw .statement(badFormat) }
            guard head.count <= 2, let index = Int(head[0]), index >= 0, index < 1_000_000,
                !item.contains("{"), head[0].utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { throw .handOver("an unusual format") }
            guard index < arguments.count else {
                throw .statement(
                    NativeError(
                        "FormatError",
                        "Error formatting a string: Index (zero based) must be greater than or equal to zero and less than "
                            + "the size of the argument list..", isReadable: true))
            }
            var piece = try part(
                arguments[index], format: halves.count == 2 ? String(halves[1]) : nil, culture)
            if head.count == 2 {
                guard let width = Int(head[1]), width.magnitude < 1000 else {
                    throw .handOver("an unusual format")
                }
                let blanks = String(repeating: " ", count: max(0, Int(width.magnitude) - piece.utf16.count))
                piece = width < 0 ? piece + blanks : blanks + piece
            }
            try StepBound.text(bytes: text.utf8.count + piece.utf8.count)
            text += piece
        }
        return text + rest
    }

    /// The error for a format that can't be parsed.
    private static let badFormat = NativeError(
        "FormatError", "Error formatting a string: Input string was not in a correct format.")

    private static func part(
        _ value: PSValue, format: String?, _ culture: String
    ) throws(Interrupt) -> String {
        switch value {
        case .null, .nothing: return ""
        case .date(let date):
            guard let format, !format.isEmpty else {
                guard culture.isEmpty else { throw .handOver("a culture-dependent date format") }
                return date.text
            }
            guard let text = PSCulture.text(date, format, culture: culture) else {
                throw .handOver("a culture-dependent date format")
            }
            return text
        case .string, .bool, .char: return try PSText.string(value)
        case .byte, .int, .long, .decimal, .double, .single:
            if let format, !format.isEmpty { return try NumberFormat.text(value, format, culture: culture) }
            guard culture.isEmpty || culture.hasPrefix("en-") else { throw .handOver("numbers of another culture") }
            if case .double(let number) = value { return PSText.long(number) }
            if case .single(let number) = value { return PSText.long(number) }
            return try PSText.string(value)
        case .span(let ticks):
            guard let format, !format.isEmpty else { return PSSpan.text(ticks) }
            if let text = PSSpan.formatted(ticks, format) { return text }
            guard PSSpan.refuses(format) else { throw .handOver("a format of \(value.typeName)") }
            throw .statement(badFormat)
        case .guid(let own):
            guard let text = text(ofGUID: own, format ?? "") else { throw .handOver("a format of a GUID") }
            return text
        case .version, .enumeration:
            guard format == nil else { throw .handOver("a format of \(value.typeName)") }
            return try PSText.string(value)
        case .object(let object):
            guard format == nil, object.isCustom else { throw .handOver("formatting \(value.typeName)") }
            return try PSText.string(value)
        case .table: return try PSText.string(value)
        default: throw .handOver("formatting \(value.typeName)")
        }
    }
}

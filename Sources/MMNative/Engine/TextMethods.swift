/// Methods of strings. Everything that depends on a culture is limited to ASCII.
enum TextMethods {
    /// Evaluates `text.name(arguments)`.
    static func call(
        _ text: String, _ method: String, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        if method == "tostring", arguments.isEmpty { return .string(text) }
        guard text.isASCII, !text.utf8.contains(0) else { throw .handOver("a method of text beyond ASCII") }
        var texts: [String] = []
        var numbers: [Int] = []
        for argument in arguments {
            switch argument {
            case .string(let other):
                guard other.isASCII else { throw .handOver("a method with text beyond ASCII") }
                texts.append(other)
            case .char(let unit): texts.append(String(UnicodeScalar(unit)))
            case .int(let number): numbers.append(Int(number))
            default: throw .handOver("the method \(name) with \(argument.typeName)")
            }
        }
        let units = Array(text.utf8)
        func made(_ units: some Sequence<UInt8>) -> PSValue { .string(String(decoding: Array(units), as: UTF8.self)) }
        func isBlank(_ unit: UInt8) -> Bool { unit == 0x20 || (0x09...0x0D).contains(unit) }
        switch (method, texts.count, numbers.count) {
        case ("toupper", 0, 0), ("toupperinvariant", 0, 0): return .string(text.uppercased())
        case ("tolower", 0, 0), ("tolowerinvariant", 0, 0): return .string(text.lowercased())
        case ("trim", 0, 0): return made(units.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
        case ("trimstart", 0, 0): return made(units.drop(while: isBlank))
        case ("trimend", 0, 0): return made(units.reversed().drop(while: isBlank).reversed())
        case ("trim", 1, 0), ("trimstart", 1, 0), ("trimend", 1, 0):
            let marks = Set(texts[0].utf8)
            guard !marks.isEmpty else { throw .handOver("Trim of nothing") }
            var rest = units[...]
            if method != "trimend" { rest = rest.drop(while: marks.contains) }
            while method != "trimstart", let last = rest.last, marks.contains(last) { rest.removeLast() }
            return made(rest)
        case ("equals", 1, 0):
            guard case .string = arguments[0] else { throw .handOver("Equals of a character") }
            return .bool(text == texts[0])
        case ("compareto", 1, 0):
            return .int(Int32(try Collation.compare(text, texts[0], ignoringCase: false).signum()))
        case ("lastindexof", 1, 0):
            guard text.isPlain, texts[0].isPlain, !texts[0].isEmpty else { throw .handOver("an unusual LastIndexOf") }
            let wanted = Array(texts[0].utf8)
            guard wanted.count <= units.count else { return .int(-1) }
            let found = (0...units.count - wanted.count).last { units[$0..<$0 + wanted.count].elementsEqual(wanted) }
            return .int(Int32(found ?? -1))
        case ("insert", 1, 1):
            guard numbers[0] >= 0, numbers[0] <= units.count, case .int? = arguments.first else {
                throw .handOver("an unusual Insert")
            }
            return made(units[..<numbers[0]] + Array(texts[0].utf8) + units[numbers[0]...])
        case ("remove", 0, 1), ("remove", 0, 2):
            let count = numbers.count == 2 ? numbers[1] : units.count - numbers[0]
            guard numbers[0] >= 0, numbers[0] < units.count, count >= 0, numbers[0] + count <= units.count else {
                throw .handOver("an unusual Remove")
            }
            return made(units[..<numbers[0]] + units[(numbers[0] + count)...])
        case ("contains", 1, 0): return .bool(find(texts[0], in: units) != nil)
        case ("indexof", 1, 0):
            // The search is culture-sensitive and ignores control characters.
            guard text.isPlain, texts[0].isPlain else { throw .handOver("IndexOf with control characters") }
            return .int(Int32(find(texts[0], in: units) ?? -1))
        case ("startswith", 1, 0):
            guard text.isPlain, texts[0].isPlain else { throw .handOver("StartsWith with control characters") }
            return .bool(units.starts(with: texts[0].utf8))
        case ("endswith", 1, 0):
            guard text.isPlain, texts[0].isPlain else { throw .handOver("EndsWith with control characters") }
            return .bool(units.reversed().starts(with: texts[0].utf8.reversed()))
        case ("replace", 2, 0):
            guard !texts[0].isEmpty else { throw .handOver("Replace of nothing") }
            let growth = max(texts[1].utf8.count - texts[0].utf8.count, 0) * (units.count / texts[0].utf8.count)
            guard units.count + growth <= NativeLimits().textBytes else { throw .handOver("a long text") }
            return made(replaced(units, Array(texts[0].utf8), Array(texts[1].utf8)))
        case ("substring", 0, 1), ("substring", 0, 2):
            let start = numbers[0]
            let count = numbers.count == 2 ? numbers[1] : units.count - start
            guard start >= 0, start <= units.count, count >= 0, start + count <= units.count else {
                let message = "Exception calling \"\(name)\" with \"\(arguments.count)\" argument(s)."
                throw .statement(NativeError("ArgumentOutOfRangeException", message))
            }
            return made(units[start..<start + count])
        case ("padleft", _, 1), ("padright", _, 1):
            let pad = texts.first ?? " "
            guard texts.count <= 1, pad.utf8.count == 1, numbers[0] >= 0, numbers[0] < 100_000,
                case .int? = arguments.first
            else { throw .handOver("the method \(name)") }
            let filling = String(repeating: pad, count: max(0, numbers[0] - units.count))
            return .string(method == "padleft" ? filling + text : text + filling)
        case ("split", 1, 0):
            guard texts[0].utf8.count == 1, let mark = texts[0].utf8.first else {
                throw .handOver("Split at more than one character")
            }
            return .array(units.split(separator: mark, omittingEmptySubsequences: false).map { made($0) })
        default:
            let known = [
                "to", "get", "is", "foreach", "where", "op_", "try", "index", "lastindex", "split", "trim", "pad",
                "replace",
                "norm", "enum", "copy", "clone", "comp", "equals", "contains", "starts", "ends", "substring", "insert",
                "remove", "chars",
            ]
            guard !known.contains(where: { method.hasPrefix($0) }) else { throw .handOver("the method \(name)") }
            let message = "Method invocation failed because [System.String] does not contain a method named '\(name)'."
            throw .statement(NativeError("MethodNotFound", message))
        }
    }

    private static func find(_ wanted: String, in units: [UInt8]) -> Int? {
        let wanted = Array(wanted.utf8)
        guard wanted.count <= units.count else { return nil }
        return (0...units.count - wanted.count).first { units[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }

    private static func replaced(_ units: [UInt8], _ old: [UInt8], _ new: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var place = 0
        while place < units.count {
            if place + old.count <= units.count, units[place..<place + old.count].elementsEqual(old) {
                result += new
                place += old.count
            } else {
                result.append(units[place])
                place += 1
            }
        }
        return result
    }
}

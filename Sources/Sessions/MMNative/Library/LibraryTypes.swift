import MMCore
import PowerShellSyntax

/// Parts of .NET that scripts use in addition to its values: encodings, conversions, parsing methods, and process
/// settings, which have no effect here.
enum LibraryTypes {
    // MARK: Static members

    /// Returns `[type]::name`; `nil` if the type has no such member here.
    static func property(_ type: PSType, _ name: String) -> PSValue? {
        switch (type, name.lowercased()) {
        case (.encoding, let name): return Encodings.named(name)
        case (.culture, "invariantculture"), (.culture, "currentculture"), (.culture, "currentuiculture"):
            return PSCulture.invariant
        case (.moment, let name): return PSMoment.property(name)
        // The results of dialogs are represented as text.
        case (.dialogresult, "ok"), (.dialogresult, "cancel"), (.dialogresult, "yes"), (.dialogresult, "no"),
            (.dialogresult, "none"), (.dialogresult, "abort"), (.dialogresult, "retry"), (.dialogresult, "ignore"):
            return .string(
                name.lowercased() == "ok" ? "OK" : name.prefix(1).uppercased() + name.dropFirst().lowercased())
        case (.console, let name), (.thread, let name): return ProcessTypes.property(type, name)
        // They are only given to methods, which read them by their names.
        case (.styles, _): return .string(name)
        case (.settings, "securityprotocol"), (.settings, "systemdefault"): return .int(0)
        case (.settings, "tls"): return .int(192)
        case (.settings, "tls11"): return .int(768)
        case (.settings, "tls12"): return .int(3072)
        case (.settings, "tls13"): return .int(12288)
        default: return nil
        }
    }

    /// Returns whether an assignment to `[type]::name` can be ignored, because it sets how the process uses networks
    /// and terminals, which no run does directly.
    static func isDropped(_ type: PSType, _ name: String) -> Bool {
        switch type {
        case .settings: name.lowercased() == "securityprotocol"
        case .console: ProcessTypes.screen.contains(name.lowercased())
        default: false
        }
    }

    /// The type name of generators of random numbers.
    static let randomType = "System.Security.Cryptography.RandomNumberGenerator"

    // MARK: Calls

    /// Calls a static method; `nil` if the type has no such method here.
    static func call(_ type: PSType, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (type, method, arguments.count) {
        case (.convert, "toint64", 1): return try Readings.converted(arguments[0], to: .long, "ToInt64")
        case (.convert, "toint32", 1): return try Readings.converted(arguments[0], to: .int, "ToInt32")
        case (.convert, "frombase64string", 1):
            guard case .string(let text) = arguments[0] else { throw .handOver("an unusual text of bytes") }
            guard let bytes = bytes(ofBase64: text) else {
                throw Readings.failure(
                    "FromBase64String", 1,
                    "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding "
                        + "characters, or an illegal character among the padding characters.")
            }
            return .array(bytes.map { .byte($0) })
        case (.convert, "tostring", 2):
            guard case .int(let radix) = arguments[1], [2, 8, 10, 16].contains(radix) else {
                throw .handOver("a number to an unusual base")
            }
            switch arguments[0] {
            case .int(let number):
                return .string(
                    radix == 10 ? String(number) : String(UInt32(bitPattern: number), radix: Int(radix)))
            case .long(let number):
                return .string(
                    radix == 10 ? String(number) : String(UInt64(bitPattern: number), radix: Int(radix)))
            case .byte(let number): return .string(String(number, radix: Int(radix)))
            // Read as a number, of which type isn't known; each of them writes a byte the same way.
            case .string(let text):
                guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt8(text) else {
                    throw .handOver("\(arguments[0].typeName) to another base")
                }
                return .string(String(number, radix: Int(radix)))
            default: throw .handOver("\(arguments[0].typeName) to another base")
            }
        case (.convert, "toint32", 2), (.convert, "toint64", 2), (.convert, "tobyte", 2):
            return try based(method, arguments)
        case (.convert, "toboolean", 1):
            switch arguments[0] {
            case .bool: return arguments[0]
            case .int, .long, .double, .byte: return .bool(arguments[0].isTrue)
            case .string(let text): return try Readings.value(text, .bool, "ToBoolean", 1)
            default: throw .handOver("\(arguments[0].typeName) as a truth")
            }
        case (.convert, "todatetime", 1): return try Readings.converted(arguments[0], to: .datetime, "ToDateTime")
        case (.convert, "todouble", 1): return try Readings.converted(arguments[0], to: .double, "ToDouble")
        case (.convert, "todecimal", 1): return try Readings.converted(arguments[0], to: .decimal, "ToDecimal")
        case (.convert, "tochar", 1): return try Conversion.argument(arguments[0], to: .char)
        case (.convert, "tobyte", 1): return try Readings.converted(arguments[0], to: .byte, "ToByte")
        case (.convert, "tostring", 1):
            switch arguments[0] {
            case .double(let number): return .string(PSText.long(number))
            case .string, .int, .long, .bool, .date, .byte, .char, .decimal, .null:
                return .string(try PSText.string(arguments[0]))
            default: throw .handOver("the text of a \(arguments[0].typeName)")
            }
        case (.convert, "tohexstring", 1):
            return .string(try bytes(arguments[0]).map { hex($0) }.joined())
        case (.convert, "fromhexstring", 1):
            guard case .string(let text) = arguments[0], text.utf8.count % 2 == 0 else {
                throw .handOver("an unusual text of bytes")
            }
            var found: [PSValue] = []
            var rest = text.utf8[...]
            while !rest.isEmpty {
                guard let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw .handOver("an unusual text of bytes")
                }
                found.append(.byte(byte))
                rest = rest.dropFirst(2)
            }
            return .array(found)
        case (.enumerable, _, _): return try Sequences.call(method, arguments)
        case (.bitconverter, "tostring", 1):
            return .string(try bytes(arguments[0]).map { hex($0) }.joined(separator: "-"))
        case (.bitconverter, "toint32", 2): return .int(Int32(truncatingIfNeeded: try number(4, arguments)))
        case (.bitconverter, "touint32", 2): return .long(Int64(try number(4, arguments)))
        case (.bitconverter, "toint64", 2): return .long(Int64(bitPattern: try number(8, arguments)))
        case (.convert, "tobase64string", 1): return .string(Base64.text(try bytes(arguments[0])))
        case (.culture, "new", 1), (.culture, "getcultureinfo", 1), (.culture, "createspecificculture", 1):
            guard case .string(let name) = arguments[0], let culture = PSCulture.value(named: name) else {
                throw .handOver("another culture")
            }
            return culture
        case (.utf8encoding, "new", 0...2):
            return Encodings.named(arguments.first?.isTrue == true ? "utf8" : Encodings.withoutMark)
        case (.random, "create", 0), (.random, "new", 0):
            return PSObject([], typeName: randomType, isCustom: false).map { .object($0) }
        case (.random, "getint32", 1...2):
            guard case .int(let last)? = arguments.last,
                case .int(let first) = arguments.count == 2 ? arguments[0] : .int(0),
                first < last
            else { throw .handOver("an unusual range") }
            return .int(Int32.random(in: first..<last))
        case (.random, "getbytes", 1):
            let count = try StepBound.count(arguments[0], "random bytes in place")
            return .array(RandomBytes.make(count).map { .byte($0) })
        case (.encoding, "getencoding", 1):
            guard let found = Encodings.named(arguments[0].text.lowercased()) else {
                throw .handOver("an unusual encoding")
            }
            return found
        case (.datetime, "parseexact", 3):
            guard case .string(let text) = arguments[0], case .string(let format) = arguments[1],
                arguments[2].isNull || PSCulture.isOne(arguments[2])
            else { throw .handOver("an unusual ParseExact") }
            guard let date = try ExactDate.read(text, as: format) else {
                throw Readings.failure("ParseExact", 3, "String '\(text)' was not recognized as a valid DateTime.")
            }
            return .date(date)
        case (.datetime, "fromfiletimeutc", 1), (.datetime, "fromfiletime", 1):
            guard case .long(let ticks) = try Conversion.argument(arguments[0], to: .long), ticks >= 0,
                let date = PSDate.fileEpoch.moved(by: ticks)
            else { throw .handOver("a date out of range") }
            return .date(method == "fromfiletime" ? date.asLocal : date)
        case (.moment, _, _): return try PSMoment.call(method, arguments)
        // The assemblies aren't needed: their dialogs are asked without windows.
        case (.assembly, "loadwithpartialname", 1), (.assembly, "load", 1):
            return PSObject([], typeName: "System.Reflection.RuntimeAssembly", isCustom: false).map { .object($0) }
        case (.ipaddress, "parse", 1): return try NetworkAddress.made(of: arguments[0])
        case (.mailaddress, "new", 1): return try MailAddress.made(of: arguments[0])
        case (.credential, "new", 2): return try SecureText.credential(arguments)
        case (.stopwatch, "startnew", 0): return PSStopwatch.made(isRunning: true)
        case (.stopwatch, "new", 0): return PSStopwatch.made(isRunning: false)
        default: return nil
        }
    }

    /// Calls a method of an object of these types; `nil` for any other.
    static func call(
        _ target: PSObject, _ method: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue? {
        if target.typeName == PSMoment.typeName { return try PSMoment.call(target, method, arguments) }
        if let answer = try Digests.call(target, method, arguments) { return answer }
        if let answer = try NamedZone.call(target, method, arguments) { return answer }
        if target.typeName == randomType, method == "dispose", arguments.isEmpty { return .nothing }
        return try Encodings.call(target, method, arguments)
    }

    /// Returns the two digits of a byte.
    static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }

    /// Parses an integer in base 2, 8 or 16.
    private static func based(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        guard case .string(let text) = arguments[0], case .int(let radix) = arguments[1], [2, 8, 16].contains(radix)
        else { throw .handOver("a number to an unusual base") }
        let digits = radix == 16 && text.lowercased().hasPrefix("0x") ? String(text.dropFirst(2)) : text
        let number = digits.utf8.first == UInt8(ascii: "-") ? nil : UInt64(digits, radix: Int(radix))
        switch (method, number) {
        case ("toint32", let number?) where number <= UInt64(UInt32.max):
            return .int(Int32(bitPattern: UInt32(number)))
        case ("toint64", let number?): return .long(Int64(bitPattern: number))
        case ("tobyte", let number?) where number <= 255: return .byte(UInt8(number))
        default: throw .handOver("a number that is none to its base")
        }
    }

    /// Returns the number that a few bytes of a list hold, the lowest first, as on every machine with PowerShell.
    private static func number(_ size: Int, _ arguments: [PSValue]) throws(Interrupt) -> UInt64 {
        let bytes = try bytes(arguments[0])
        guard case .int(let start) = arguments[1], start >= 0, Int(start) <= bytes.count - size else {
            throw .handOver("a number beyond its bytes")
        }
        return bytes[Int(start)...].prefix(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Returns the bytes of a list.
    static func bytes(_ value: PSValue) throws(Interrupt) -> [UInt8] {
        var bytes: [UInt8] = []
        for item in Cmdlets.list(value) {
            switch item {
            case .byte(let byte): bytes.append(byte)
            case .int(let number):
                guard let byte = UInt8(exactly: number) else { throw .handOver("bytes that are none") }
                bytes.append(byte)
            default: throw .handOver("bytes that are none")
            }
        }
        return bytes
    }

    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func bytes(ofBase64 text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (bits, count, padding) = (0, 0, 0)
        for unit in text.utf8 where !(unit == 0x20 || (0x09...0x0D).contains(unit)) {
            count += 1
            if unit == UInt8(ascii: "=") {
                padding += 1
                bits <<= 6
            } else {
                guard padding == 0, let value = digits.firstIndex(of: unit) else { return nil }
                bits = bits << 6 | value
            }
            if count % 4 == 0 {
                bytes += [UInt8(bits >> 16 & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF)].dropLast(padding)
                bits = 0
            }
        }
        return count % 4 == 0 && padding <= 2 ? bytes : nil
    }
}

/// A parser of dates with an exact pattern, in the invariant culture.
enum ExactDate {
    private struct Fields {
        var (year, month, day, hour, minute, second): (Int?, Int?, Int?, Int, Int, Int) = (nil, nil, nil, 0, 0, 0)
        var fraction: Int64 = 0
        var isAfternoon: Bool?
        var weekday: Int?
        /// The offset from UTC that the text names, in ticks.
        var ahead: Int64?
    }

    /// The patterns that one letter stands for.
    private static let standard = [
        "s": "yyyy-MM-ddTHH:mm:ss", "o": "yyyy-MM-ddTHH:mm:ss.fffffffK", "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
        "u": "yyyy-MM-dd HH:mm:ssZ", "d": "MM/dd/yyyy", "g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss",
    ]

    /// Parses a text; `nil` if it doesn't match the pattern. Patterns with an uncertain meaning are handed over.
    static func read(_ text: String, as format: String) throws(Interrupt) -> PSDate? {
        let format = standard[format] ?? format
        guard format.utf8.count > 1, format.isPlain else { throw .handOver("a date by a pattern of the culture's") }
        var fields = Fields()
        var rest = Substring(text)
        let units = Array(format.utf8)
        var place = 0
        while place < units.count {
            let unit = units[place]
            var run = 1
            while place + run < units.count, units[place + run] == unit { run += 1 }
            place += run
            if unit == UInt8(ascii: "'") || unit == UInt8(ascii: "\"") {
                guard run == 1, let end = units[place...].firstIndex(of: unit) else {
                    throw .handOver("a quoted pattern")
                }
                guard take(String(decoding: units[place..<end], as: UTF8.self), from: &rest) else { return nil }
                place = end + 1
                continue
            }
            guard try read(unit, run, from: &rest, into: &fields) else { return nil }
        }
        guard rest.isEmpty else { return nil }
        guard let year = fields.year else { throw .handOver("a date without its year") }
        var hour = fields.hour
        if let isAfternoon = fields.isAfternoon {
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + (isAfternoon ? 12 : 0)
        }
        guard
            let date = PSDate(
                year, fields.month ?? 1, fields.day ?? 1, hour, fields.minute, fields.second,
                fraction: fields.fraction)
        else { return nil }
        guard fields.weekday.map({ $0 == date.weekday }) ?? true else { return nil }
        guard let ahead = fields.ahead else { return date }
        return PSDate(ticks: date.ticks, kind: .utc).moved(by: -ahead)?.asLocal
    }

    private static func read(
        _ unit: UInt8, _ run: Int, from rest: inout Substring, into fields: inout Fields
    ) throws(Interrupt) -> Bool {
        func number(_ least: Int, _ most: Int) -> Int? {
            let digits = rest.utf8.prefix(most).prefix { (0x30...0x39).contains($0) }
            guard digits.count >= least, let number = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
            rest = Substring(String(decoding: rest.utf8.dropFirst(digits.count), as: UTF8.self))
            return number
        }
        func two() -> Int? { number(run == 1 ? 1 : 2, 2) }
        switch (unit, run) {
        case (UInt8(ascii: "y"), 4): fields.year = number(4, 4)
        case (UInt8(ascii: "y"), 2): fields.year = number(2, 2).map { $0 + ($0 > 49 ? 1900 : 2000) }
        case (UInt8(ascii: "Z"), 1), (UInt8(ascii: "K"), 1), (UInt8(ascii: "z"), 2...3):
            if unit != UInt8(ascii: "z"), take("Z", from: &rest) {
                fields.ahead = 0
                return true
            }
            guard unit != UInt8(ascii: "Z"), let sign = rest.first, "+-".contains(sign) else {
                return unit == UInt8(ascii: "K")
            }
            rest = rest.dropFirst()
            guard let hours = number(2, 2), run == 2 || take(":", from: &rest),
                let minutes = run == 2 ? 0 : number(2, 2)
            else { return false }
            let ahead = Int64(hours) * PSSpan.hour + Int64(minutes) * PSSpan.minute
            fields.ahead = sign == "-" ? -ahead : ahead
            return true
        case (UInt8(ascii: "F"), 1...7):
            let digits = rest.utf8.prefix(run).prefix { (0x30...0x39).contains($0) }.count
            guard digits > 0, let number = number(digits, digits) else { return true }
            fields.fraction = (digits..<7).reduce(Int64(number)) { fraction, _ in fraction * 10 }
            return true
        case (UInt8(ascii: "M"), 1...2): fields.month = two()
        case (UInt8(ascii: "M"), 3...):
            fields.month = name(PSDate.months, isShort: run == 3, from: &rest).map { $0 + 1 }
        case (UInt8(ascii: "d"), 1...2): fields.day = two()
        case (UInt8(ascii: "d"), 3...): fields.weekday = name(PSDate.days, isShort: run == 3, from: &rest)
        case (UInt8(ascii: "H"), 1...2), (UInt8(ascii: "h"), 1...2), (UInt8(ascii: "m"), 1...2),
            (UInt8(ascii: "s"), 1...2):
            guard let number = two() else { return false }
            switch unit {
            case UInt8(ascii: "m"): fields.minute = number
            case UInt8(ascii: "s"): fields.second = number
            default: fields.hour = number
            }
            return true
        case (UInt8(ascii: "f"), 1...7):
            guard let number = number(run, run) else { return false }
            fields.fraction = Int64(number)
            for _ in run..<7 { fields.fraction *= 10 }
            return true
        case (UInt8(ascii: "t"), 2):
            fields.isAfternoon = take("AM", from: &rest) ? false : take("PM", from: &rest) ? true : nil
            return fields.isAfternoon != nil
        case (UInt8(ascii: "a")...UInt8(ascii: "z"), _), (UInt8(ascii: "K"), _), (UInt8(ascii: "Z"), _),
            (UInt8(ascii: "F"), _), (UInt8(ascii: "\\"), _), (UInt8(ascii: "%"), _), (UInt8(ascii: " "), _),
            (UInt8(ascii: "M"), _), (UInt8(ascii: "H"), _):
            guard unit == UInt8(ascii: " "), run == 1 else { throw .handOver("a date by an unusual pattern") }
            return take(" ", from: &rest)
        default: return take(String(repeating: Character(UnicodeScalar(unit)), count: run), from: &rest)
        }
        switch unit {
        case UInt8(ascii: "y"): return fields.year != nil
        case UInt8(ascii: "M"): return fields.month != nil
        default: return run <= 2 ? fields.day != nil : fields.weekday != nil
        }
    }

    private static func take(_ text: String, from rest: inout Substring) -> Bool {
        guard rest.utf8.count >= text.utf8.count, rest.prefix(text.count).lowercased() == text.lowercased() else {
            return false
        }
        rest = rest.dropFirst(text.count)
        return true
    }

    private static func name(_ names: [String], isShort: Bool, from rest: inout Substring) -> Int? {
        for (place, name) in names.enumerated() where take(isShort ? String(name.prefix(3)) : name, from: &rest) {
            return place
        }
        return nil
    }
}

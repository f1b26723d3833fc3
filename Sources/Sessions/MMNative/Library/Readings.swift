import MMCore
import PowerShellSyntax

/// The values that .NET's types read from texts: `Parse`, `TryParse` and their kin.
enum Readings {
    /// Calls `[type]::Parse(text)` or `[type]::ParseExact(…)`; `nil` if the type has no such method here.
    static func parsed(_ type: PSType, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard method == "parse", (1...3).contains(arguments.count), case .string(let text) = arguments[0] else {
            return nil
        }
        switch type {
        case .guid, .timespan, .version, .datetime:
            return arguments.count > 1 ? nil : try Conversion.cast(arguments[0], to: type)
        case .bool, .int, .long, .byte, .double, .single, .decimal:
            try plain(arguments.dropFirst())
            if let value = try read(text, as: type) { return value }
            try uncertain(text, as: type)
            throw failure("Parse", arguments.count, cause(text, type))
        default: return nil
        }
    }

    /// Returns .NET's words for a text that isn't a value of a type.
    static func cause(_ text: String, _ type: PSType) -> String {
        type == .bool
            ? "String '\(text)' was not recognized as a valid Boolean."
            : "The input string '\(text)' was not in a correct format."
    }

    static func failure(_ method: String, _ count: Int, _ cause: String) -> Interrupt {
        .statement(
            NativeError(
                "FormatException", "Exception calling \"\(method)\" with \"\(count)\" argument(s): \"\(cause)\"",
                isReadable: true))
    }

    /// Hands over styles and cultures by which a text would be read in another way.
    private static func plain(_ rest: some Sequence<PSValue>) throws(Interrupt) {
        for option in rest where !(option.isNull || PSCulture.isOne(option)) {
            let styles = option.text.lowercased().split(whereSeparator: { ", ".contains($0) })
            guard case .string = option, styles.allSatisfy({ usual.contains(String($0)) }) else {
                throw .handOver("reading a text in another style")
            }
        }
    }

    /// The styles that add forms which are handed over, or none.
    private static let usual: Set<String> = [
        "none", "any", "number", "float", "integer", "currency", "allowdecimalpoint", "allowthousands",
        "allowleadingsign", "allowleadingwhite", "allowtrailingwhite", "allowwhitespaces", "allowleadingwhitespace",
        "allowtrailingwhitespace", "allowinnerwhite", "allowexponent",
    ]

    /// Reads a date, with an offset or without, in styles of `[DateTimeStyles]` that say what its zone is.
    static func dated(_ text: String, as type: PSType, _ styles: Set<String>) throws(Interrupt) -> PSValue? {
        guard type == .moment else {
            guard let date = try PSDate.read(text) else { return nil }
            return .date(
                ReportTypes.styled(
                    date, styles, isZoned: date.kind != .unspecified, isUTC: text.lowercased().hasSuffix("z")))
        }
        let found = try PSMoment.converted(.string(text), isUniversal: styles.contains("assumeuniversal"))
        guard styles.contains("adjusttouniversal"), case .object(let moment)? = found else { return found }
        return try PSMoment.call(moment, "touniversaltime", [])
    }

    /// Returns the styles in which a call reads a date; `nil` for other types, and without styles.
    private static func styles(_ type: PSType, _ arguments: [PSValue]) throws(Interrupt) -> Set<String>? {
        guard type == .moment || type == .datetime, arguments.count == 3 else { return nil }
        guard arguments[1].isNull || PSCulture.isOne(arguments[1]), let styles = ReportTypes.styles(arguments[2]) else {
            throw .handOver("reading a text in another style")
        }
        return styles
    }

    /// Hands over a text that a style might allow, though it isn't an ordinary value: `(5)`, `5 €` and numbers out of
    /// range.
    private static func uncertain(_ text: String, as type: PSType) throws(Interrupt) {
        guard type != .bool, text.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return }
        let isPlain = text.utf8.allSatisfy { $0 < 0x80 && !"()$eE".utf8.contains($0) }
        guard isPlain, text.utf8.count < 9 else { throw .handOver("a number in an uncertain form") }
    }

    /// Parses a text as `TryParse` does; `nil` if it is certainly not a value of the type.
    static func read(_ text: String, as type: PSType) throws(Interrupt) -> PSValue? {
        let units = Array(text.utf8).trimmingBlanks()
        let word = String(decoding: units, as: UTF8.self)
        switch type {
        case .int, .long, .byte:
            let isSigned = units.first == UInt8(ascii: "-") || units.first == UInt8(ascii: "+")
            let rest = units.dropFirst(isSigned ? 1 : 0)
            guard !rest.isEmpty, rest.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            switch type {
            case .int: return Int32(word).map { .int($0) }
            case .byte: return UInt8(word).map { .byte($0) }
            default: return Int64(word).map { .long($0) }
            }
        case .double, .single, .decimal:
            guard let plain = number(units) else { return nil }
            return try Conversion.converted(.string(plain), to: type)
        case .bool:
            return ["true": PSValue.bool(true), "false": .bool(false)][word.lowercased()]
        case .guid:
            if let guid = Conversion.guid(word) { return .guid(guid) }
            // .NET's format X, of hexadecimal numbers within braces.
            guard !word.contains("0x") else { throw .handOver("a guid in an unusual form") }
            return nil
        case .datetime: return try PSDate.read(text).map { .date($0) }
        case .timespan, .version, .moment: return try Conversion.converted(.string(word), to: type)
        case .ipaddress: return try NetworkAddress.read(word)
        case .uri:
            if let address = UriParts.made(word) { return address }
            guard !word.contains(":") else { throw .handOver("an unusual address") }
            return nil
        case .mailaddress:
            guard word.contains("@") else { return nil }
            return try MailAddress.made(of: .string(word))
        default: throw .handOver("reading a \(type.rawValue) that may be none")
        }
    }

    /// Returns a decimal number without the commas between its thousands; `nil` for a text that is none.
    private static func number(_ units: [UInt8]) -> String? {
        var rest = units[...]
        var plain: [UInt8] = []
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            rest.removeFirst()
            if sign == UInt8(ascii: "-") { plain.append(sign) }
        }
        var (hasDigit, hasPoint) = (false, false)
        for unit in rest {
            switch unit {
            case 0x30...0x39: hasDigit = true
            case UInt8(ascii: ".") where !hasPoint: hasPoint = true
            case UInt8(ascii: ",") where hasDigit && !hasPoint: continue
            default: return nil
            }
            plain.append(unit)
        }
        return hasDigit ? String(decoding: plain, as: UTF8.self) : nil
    }

    /// Returns the value of the variable after parsing has failed.
    static func unread(_ type: PSType) -> PSValue {
        switch type {
        case .int: .int(0)
        case .long: .long(0)
        case .byte: .byte(0)
        case .double: .double(0)
        case .single: .single(0)
        case .decimal: .decimal(PSDecimal(0))
        case .bool: .bool(false)
        case .guid: .guid("00000000-0000-0000-0000-000000000000")
        case .datetime: .date(PSDate(ticks: 0, kind: .unspecified))
        case .timespan: .span(0)
        case .moment: PSMoment.property("minvalue") ?? .null
        default: .null
        }
    }

    /// Parses a text as `TryParse`, `TryParseExact` and `TryCreate` do; `nil` if it certainly isn't a value.
    static func tried(_ method: String, _ type: PSType, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        let text = try PSText.string(arguments[0])
        switch (method, arguments.count) {
        case ("tryparse", 1...3):
            if let styles = try styles(type, arguments) { return try dated(text, as: type, styles) }
            try plain(arguments.dropFirst())
            if let value = try read(text, as: type) { return value }
            if arguments.count > 1 { try uncertain(text, as: type) }
            return nil
        case ("trycreate", 2) where type == .uri && arguments[1].text.lowercased() == "absolute",
            ("trycreate", 1) where type == .mailaddress:
            return try read(text, as: type)
        case ("tryparseexact", 4) where type == .datetime:
            guard arguments[2].isNull || PSCulture.isOne(arguments[2]), let styles = ReportTypes.styles(arguments[3])
            else { throw .handOver("reading a text in another style") }
            for format in Cmdlets.list(arguments[1].plain) {
                guard let date = try ExactDate.read(text, as: try PSText.string(format)) else { continue }
                return .date(
                    ReportTypes.styled(
                        date, styles, isZoned: date.kind != .unspecified, isUTC: text.lowercased().hasSuffix("z")))
            }
            return nil
        default: throw .handOver("the method \(method) of \(type.rawValue)")
        }
    }
}

extension InvokeMemberExpressionSyntax {
    /// The methods whose last argument, `[ref]$place`, takes what was read.
    private static let readers: Set<String> = ["tryparse", "tryparseexact", "trycreate"]

    /// The expression after `[ref]` in `[type]::TryParse(text, [ref]$place)`; `nil` for any other call.
    var referenced: ExpressionSyntax? {
        guard isStatic, arguments.count > 1, case .string(let name) = member,
            Self.readers.contains(name.value.lowercased()), var last = arguments.last
        else { return nil }
        while true {
            switch last {
            case .paren(let node):
                guard let inner = node.pureExpression else { return nil }
                last = inner
            case .sub(let node):
                guard node.block.statements.count == 1, let inner = node.block.statements[0].pureExpression else {
                    return nil
                }
                last = inner
            case .convert(let node):
                return node.type.typeName.fullName.lowercased() == "ref" ? node.operand : nil
            default: return nil
            }
        }
    }
}

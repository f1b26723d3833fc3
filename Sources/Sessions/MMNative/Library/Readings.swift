import MMCore
import PowerShellSyntax

/// The values that .NET's types read from texts: `Parse`, `TryParse` and their kin.
enum Readings {
    /// The exception with which a method of .NET refuses a text.
    struct Fault {
        let exception: String
        let message: String
        /// Whether the message is .NET's own in every letter.
        var isCertain = true
    }

    /// What a type makes of a text.
    private enum Outcome {
        case value(PSValue)
        case fault(Fault)
    }

    /// Calls `[type]::Parse(text)`, also in a style and a culture; `nil` if the type has no such method here.
    static func parsed(_ type: PSType, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard method == "parse", (1...3).contains(arguments.count) else { return nil }
        let text: String
        switch arguments[0] {
        case .string(let written): text = written
        // The method takes a text, and gets any other value as its text.
        case .bool, .char, .int, .long, .double, .date, .span, .guid, .version: text = try PSText.string(arguments[0])
        default: return nil
        }
        switch type {
        case .datetime where arguments.count > 1:
            guard let styles = try styles(type, arguments) else { return nil }
            if let date = try dated(text, as: type, styles) { return date }
            throw failure("Parse", arguments.count, fault(of: text, as: type))
        case .guid, .timespan, .version, .datetime: return arguments.count > 1 ? nil : try value(text, type, "Parse", 1)
        case .bool, .int, .long, .byte, .double, .single, .decimal:
            let style = try style(type, arguments.dropFirst())
            return try value(text, type, "Parse", arguments.count, style)
        default: return nil
        }
    }

    /// Returns the value that a method reads from a text, which it refuses with an exception if it is none.
    static func value(
        _ text: String, _ type: PSType, _ method: String, _ count: Int, _ style: NumberReading.Style? = nil
    ) throws(Interrupt) -> PSValue {
        switch try outcome(text, type, style ?? .usual(type)) {
        case .value(let value): return value
        case .fault(let fault): throw failure(method, count, fault)
        }
    }

    /// Converts a value as the methods of `[Convert]` do, which read texts as their types do.
    static func converted(
        _ value: PSValue, to type: PSType, _ method: String, _ count: Int = 1
    ) throws(Interrupt) -> PSValue {
        switch value {
        case .string(let text): return try self.value(text, type, method, count)
        case .date where type == .datetime: return value
        case .bool, .byte, .int, .long, .single, .double, .decimal, .null:
            guard isNumeric(type) else { break }
            return try Conversion.argument(value, to: type)
        default: break
        }
        throw .handOver("\(value.typeName) to another type")
    }

    private static func isNumeric(_ type: PSType) -> Bool {
        [.int, .long, .byte, .double, .single, .decimal].contains(type)
    }

    private static func outcome(
        _ text: String, _ type: PSType, _ style: NumberReading.Style
    ) throws(Interrupt) -> Outcome {
        guard isNumeric(type) else {
            return try read(text, as: type).map { .value($0) } ?? .fault(fault(of: text, as: type))
        }
        switch try NumberReading.read(text, as: type, style) {
        case .value(let value): return .value(value)
        case .none: return .fault(fault(of: text, as: type))
        case .overflow:
            let name =
                switch type {
                case .int: "an Int32"
                case .long: "an Int64"
                case .byte: "an unsigned byte"
                default: "a Decimal"
                }
            let message = "Value was either too large or too small for \(name)."
            return .fault(Fault(exception: "OverflowException", message: message))
        }
    }

    /// Returns the exception for a text that isn't a value of a type.
    static func fault(of text: String, as type: PSType) -> Fault {
        func malformed(_ message: String, isCertain: Bool = true) -> Fault {
            Fault(exception: "FormatException", message: message, isCertain: isCertain)
        }
        switch type {
        case .bool: return malformed("String '\(text)' was not recognized as a valid Boolean.")
        case .datetime:
            let (message, isCertain) = DateText.fault(of: text)
            return malformed(message, isCertain: isCertain)
        case .timespan: return malformed("String '\(text)' was not recognized as a valid TimeSpan.")
        case .version:
            return Fault(
                exception: "ArgumentException",
                message: "Version string portion was too short or too long. (Parameter 'input')")
        case .guid: return malformed("Unrecognized Guid format.", isCertain: text.trimmed.utf16.count < 32)
        default: return malformed("The input string '\(text)' was not in a correct format.")
        }
    }

    static func failure(_ method: String, _ count: Int, _ fault: Fault) -> Interrupt {
        .statement(
            NativeError(
                fault.exception, "Exception calling \"\(method)\" with \"\(count)\" argument(s): \"\(fault.message)\"",
                isReadable: fault.isCertain))
    }

    /// Returns the failure of a method that can't read its text.
    static func failure(_ method: String, _ count: Int, _ message: String) -> Interrupt {
        failure(method, count, Fault(exception: "FormatException", message: message))
    }

    /// Returns the style in which a call reads a number, whose culture must be the invariant one or `en-US`; `nil`
    /// without any.
    private static func style(
        _ type: PSType, _ rest: some Sequence<PSValue>
    ) throws(Interrupt) -> NumberReading.Style? {
        var style: NumberReading.Style?
        for option in rest where !(option.isNull || PSCulture.isOne(option)) {
            guard case .string(let names) = option, style == nil, let own = NumberReading.Style(named: names),
                isNumeric(type)
            else { throw .handOver("reading a text in another style") }
            style = own
        }
        return style
    }

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

    /// Returns the styles in which a call reads a date; `nil` for other types, and for a call with nothing but a text.
    private static func styles(_ type: PSType, _ arguments: [PSValue]) throws(Interrupt) -> Set<String>? {
        guard type == .moment || type == .datetime, arguments.count > 1 else { return nil }
        guard arguments[1].isNull || PSCulture.isOne(arguments[1]),
            let styles = ReportTypes.styles(arguments.count > 2 ? arguments[2] : nil)
        else {
            throw .handOver("reading a text in another style")
        }
        return styles
    }

    /// Parses a text as `TryParse` does; `nil` if it is certainly not a value of the type.
    static func read(_ text: String, as type: PSType) throws(Interrupt) -> PSValue? {
        let units = Array(text.utf8).trimmingBlanks()
        let word = String(decoding: units, as: UTF8.self)
        switch type {
        case .int, .long, .byte, .double, .single, .decimal:
            guard case .value(let number) = try NumberReading.read(text, as: type, .usual(type)) else { return nil }
            return number
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
        case .mailaddress: return try MailAddress.converted(.string(word))
        default: throw .handOver("reading a \(type.rawValue) that may be none")
        }
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
            let style = try style(type, arguments.dropFirst())
            guard case .value(let value) = try outcome(text, type, style ?? .usual(type)) else { return nil }
            return value
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
                guard let inner = node.block.pureExpression else { return nil }
                last = inner
            case .convert(let node):
                return node.type.typeName.fullName.lowercased() == "ref" ? node.operand : nil
            default: return nil
            }
        }
    }
}

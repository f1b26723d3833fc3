import MMCore
import PowerShellSyntax

/// Conversions between the engine's types, as casts and operators perform them.
enum Conversion {
    /// Evaluates a cast `[type]value`.
    static func cast(_ value: PSValue, to type: PSType) throws(Interrupt) -> PSValue {
        guard let converted = try converted(value, to: type) else { throw .statement(try failure(value, to: type)) }
        return converted
    }

    /// Converts an argument to the type that a method or parameter takes. Its failure would not be that of a cast.
    static func argument(_ value: PSValue, to type: PSType) throws(Interrupt) -> PSValue {
        guard let converted = try converted(value, to: type) else { throw .handOver("an argument of another type") }
        return converted
    }

    /// Returns the error for a failed conversion.
    static func failure(_ value: PSValue, to type: PSType) throws(Interrupt) -> NativeError {
        // By which name it calls a nullable type isn't known.
        guard type.wrapped == nil else { throw .handOver("a cast to a nullable type that fails") }
        // The error of an element is wrapped in one of the array.
        guard !type.isTypedArray else { throw .handOver("a cast to \(type.element.rawValue)[] that fails") }
        switch value {
        case .null:
            return NativeError(
                "nullToObjectInvalidCast", "Cannot convert null to type \"\(typeName(type))\".",
                category: "InvalidArgument", isReadable: true)
        case .string(let text): return try failure(ofText: text, to: type)
        // A number that isn't a whole one is read as its text.
        case .double where type == .datetime, .decimal where type == .datetime:
            return try failure(ofText: PSText.string(value), to: type)
        case .object(let object) where object.isCustom && (type == .decimal || type == .version):
            // PowerShell tries to make an object of these types and to set its properties.
            let inner = try failure(value, to: typeName(type))
            return NativeError(
                "InvalidCastConstructorException",
                "Cannot convert value \"\(try PSText.string(value))\" to type \"\(typeName(type))\". Error: "
                    + "\"\(inner.message)\"", isReadable: inner.isReadable)
        default: return try failure(value, to: typeName(type))
        }
    }

    /// Returns the error for an argument of a .NET method that can't be converted to the type that the method takes.
    static func failure(
        ofArgument value: PSValue, named parameter: String, of method: String, to type: PSType
    ) throws(Interrupt) -> NativeError {
        let inner = try failure(value, to: type)
        let text = try PSText.whole(value)
        return NativeError(
            "MethodArgumentConversionInvalidCastArgument",
            "Cannot convert argument \"\(parameter)\", with value: \"\(text)\", for \"\(method)\" to type "
                + "\"\(typeName(type))\": \"\(inner.message)\"", isReadable: inner.isReadable)
    }

    /// Returns the error for a value, no text, that can't be converted to a type with this name.
    static func failure(_ value: PSValue, to name: String) throws(Interrupt) -> NativeError {
        switch value {
        case .bool, .char, .byte, .int, .long, .single, .double, .decimal, .date:
            func short(_ name: String) -> String { String(name.dropFirst("System.".utf8.count)) }
            let names = (value.typeName, name)
            // The conversion that fails is .NET's own, which names the types that it knows in short.
            let (from, to) = convertible.contains(name) ? (short(names.0), short(names.1)) : names
            return NativeError(
                "InvalidCastIConvertible",
                "Cannot convert value \"\(try PSText.string(value))\" to type \"\(name)\". Error: \"Invalid cast from "
                    + "'\(from)' to '\(to)'.\"", isReadable: true)
        case .object(let object) where !object.isCustom: throw .handOver("a cast of \(value.typeName) that fails")
        default:
            // Lists of texts have a type of their own, which isn't known here.
            let isReadable = if case .array = value { false } else { true }
            return NativeError(
                "ConvertToFinalInvalidCastException",
                "Cannot convert the \"\(try PSText.whole(value))\" value of type \"\(value.typeName)\" to type "
                    + "\"\(name)\".", isReadable: isReadable)
        }
    }

    /// The types of System.Convert, apart from texts.
    private static let convertible: Set<String> = [
        "System.Int32", "System.Int64", "System.UInt32", "System.Double", "System.Single", "System.Decimal",
        "System.DateTime", "System.Char", "System.Boolean", "System.Byte",
    ]

    /// The full name of a type that values are converted to.
    static func typeName(_ type: PSType) -> String {
        switch type {
        case .int: "System.Int32"
        case .long: "System.Int64"
        case .datetime: "System.DateTime"
        case .timespan: "System.TimeSpan"
        case .mailaddress: MailAddress.typeName
        default: "System." + type.rawValue.prefix(1).uppercased() + type.rawValue.dropFirst()
        }
    }

    private static func failure(ofText text: String, to type: PSType) throws(Interrupt) -> NativeError {
        let start = "Cannot convert value \"\(text)\" to type \"\(typeName(type))\". Error: "
        func error(_ id: String, _ reason: String, isReadable: Bool = true) -> NativeError {
            NativeError(id, start + "\"\(reason)\"", isReadable: isReadable)
        }
        switch type {
        case .datetime:
            let id = "InvalidCastParseTargetInvocationWithFormatProvider"
            let (reason, isCertain) = DateText.fault(of: text)
            return error(id, reason, isReadable: isCertain)
        case .timespan:
            return error(
                "InvalidCastParseTargetInvocationWithFormatProvider",
                "String '\(text)' was not recognized as a valid TimeSpan.")
        case .version:
            return error(
                "InvalidCastParseTargetInvocation",
                "Version string portion was too short or too long. (Parameter 'input')")
        case .mailaddress:
            return error("InvalidCastConstructorTargetInvocationException", MailAddress.malformed)
        case .int, .long, .double, .single, .decimal:
            let id =
                switch type {
                case .int, .long: "InvalidCastFromStringToInteger"
                case .decimal: "InvalidCastFromStringToDecimal"
                default: "InvalidCastFromStringToDoubleOrSingle"
                }
            return error(id, "The input string '\(text)' was not in a correct format.")
        default: throw .handOver("a cast to \(type.rawValue) that fails")
        }
    }

    /// Converts a value to a type; `nil` if that certainly fails.
    static func converted(_ value: PSValue, to type: PSType) throws(Interrupt) -> PSValue? {
        // A list that doesn't stay what it is counts as its elements.
        if case .list = value, type != .object, type != .pscustomobject, type.listKind == nil {
            return try converted(value.plain, to: type)
        }
        switch type {
        case .bool: return .bool(value.isTrue)
        case .string:
            if case .object(let object) = value, object.ownClass == nil, !XMLNode.isNode(object) {
                throw .handOver("an object cast to text")
            }
            return .string(try PSText.string(value))
        case .int, .long, .double, .single, .decimal: return try number(value, type)
        case .datetime:
            switch value {
            case .date: return value
            case .null, .bool, .span, .array, .guid, .version: return nil
            case .string(let text): return try PSDate.read(text).map { .date($0) }
            case .long(let ticks) where (0...PSDate.last).contains(ticks):
                return .date(PSDate(ticks: ticks, kind: .unspecified))
            // A number that isn't a whole one is read as its text.
            case .double, .decimal:
                if case .none = DateText.read(try PSText.string(value)) { return nil }
            default: break
            }
            throw .handOver("a date in an uncertain form")
        case .array:
            switch value {
            case .array: return value
            case .object(let object) where object.isCustom: return .array([value])
            case .table: return .array([value])
            case .null, .nothing: return .null
            case .object: throw .handOver("a cast to an array")
            default: return .array([value])
            }
        case .object: return value
        case .pscustomobject:
            guard case .table(let table) = value else {
                // Only a table is made into an object; any other value stays what it is.
                return value.withoutNothing
            }
            guard table.hasCertainOrder, let object = PSObject(customOf: table) else {
                throw .handOver("a hashtable without a defined order")
            }
            return .object(object)
        case .errorrecord:
            guard case .object(let object) = value, object.typeName == ErrorRecords.type else {
                throw .handOver("a cast to a part of an error")
            }
            return value
        case .exception:
            if case .string(let text) = value { return ErrorRecords.exception("System.Exception", text) }
            guard case .object(let object) = value, ErrorRecords.isException(object) else {
                throw .handOver("a cast to a part of an error")
            }
            return value
        case .hashtable where value.isNull, .dictionary where value.isNull, .orderedtable where value.isNull,
            .concurrenttable where value.isNull, .sortedtable where value.isNull:
            return .null
        case .dictionary, .orderedtable, .concurrenttable, .sortedtable:
            guard case .table(let table) = value, table.kind == type.tableKind else {
                throw .handOver("a cast to a table")
            }
            return value
        case .hashtable:
            guard case .table(let table) = value, table.isHashtable else {
                throw .handOver("a cast to a table")
            }
            return value
        case .char:
            switch value {
            case .char: return value
            case .string(let text) where text.utf16.count == 1: return text.utf16.first.map { .char($0) }
            case .int(let number) where (0..<0xD800).contains(number) || (0xE000...0xFFFF).contains(number):
                return .char(UInt16(number))
            case .string, .bool, .double, .decimal, .span, .date, .array: return nil
            case .object(let object) where object.isCustom: return nil
            default: throw .handOver("a cast to a character")
            }
        case .timespan:
            switch value {
            case .span: return value
            case .int(let ticks): return .span(Int64(ticks))
            case .long(let ticks): return .span(ticks)
            case .string(let text):
                if let ticks = PSSpan.ticks(text) { return .span(ticks) }
                guard PSSpan.isNone(text) else { throw .handOver("a time span in an uncertain form") }
                return nil
            case .null, .bool, .double, .date, .array: return nil
            default: throw .handOver("a cast to a time span")
            }
        case .guid:
            if case .guid = value { return value }
            guard case .string(let text) = value, let guid = guid(text) else { throw .handOver("a cast to a guid") }
            return .guid(guid)
        case .version:
            switch value {
            case .version: return value
            case .null: return .null
            case .string(let text):
                if let parts = version(text) { return .version(parts) }
                // Without a dot, no text is a version.
                guard !text.contains(".") else { throw .handOver("a cast to a version") }
                return nil
            case .bool, .array: return nil
            case .object(let object) where object.isCustom: return nil
            default: throw .handOver("a cast to a version")
            }
        case .regex:
            if RegexObjects.written(value) != nil { return value }
            guard case .string(let text) = value else { throw .handOver("a cast to a regular expression") }
            return try RegexObjects.made(text)
        case .culture:
            if PSCulture.name(of: value) != nil { return value }
            guard case .string(let name) = value, let culture = PSCulture.value(named: name) else {
                throw .handOver("a cast to a culture")
            }
            return culture
        case .byte:
            if case .byte = value { return value }
            guard case .int(let number)? = try number(value, .int) else { return nil }
            guard let byte = UInt8(exactly: number) else { throw .handOver("a cast that overflows") }
            return .byte(byte)
        case .toggle: return .bool(value.isTrue)
        case .optionaldate:
            if value.isNull { return .null }
            if case .string(let text) = value, text.isEmpty { return .null }
            return try converted(value, to: .datetime)
        case .optionalint, .optionalbool, .optionallong, .optionaldouble, .optionaldecimal, .optionalspan,
            .optionalguid:
            guard !value.isNull, let wrapped = type.wrapped else { return .null }
            return try converted(value, to: wrapped)
        case .scriptblock:
            switch value {
            case .block, .null: return value
            default: throw .handOver("a cast to a script block")
            }
        case .texts, .ints, .bytes, .chars, .longs, .doubles, .bools, .dates, .guids:
            let element = type.element
            if type == .chars, case .string(let text) = value { return .array(text.utf16.map { .char($0) }) }
            switch value.plain {
            case .null: return .null
            case .array(let items):
                var made: [PSValue] = []
                for item in items {
                    if case .object = item { throw .handOver("an object as an element") }
                    guard let one = try converted(item, to: element) else { return nil }
                    made.append(one)
                }
                return .array(made)
            case .object: throw .handOver("an object as an element")
            case let only: return try converted(only, to: element).map { .array([$0]) }
            }
        case _ where type.listKind != nil:
            guard let kind = type.listKind else { return nil }
            switch value {
            case .list(let list) where list.kind == kind: return value
            case .list(let list): return try converted(.array(list.items), to: type)
            case .array(let items):
                guard kind.shape == .list || kind.shape == .set else { throw .handOver("a cast to a queue") }
                return try PSList.made(kind, [.array(items)])
            case .null where kind.shape == .list: return .null
            default: throw .handOver("a cast to a list")
            }
        case .reference:
            guard case .object(let object) = value, object.typeName == Evaluator.referenceType else {
                throw .handOver("a reference to a value")
            }
            return value
        case .void: return .nothing
        case .timezone:
            guard case .object(let zone) = value, zone.typeName == "System.TimeZoneInfo" else {
                throw .handOver("a cast to a time zone")
            }
            return value
        case .choice, .choices: return try HostInterface.choices(value, isList: type == .choices)
        case .xml: return value.isNull ? .null : try XMLNode.document(of: value)
        case .settings:
            guard case .string(let name) = value, let known = LibraryTypes.property(type, name) else {
                throw .handOver("a cast to a setting")
            }
            return known
        case .ipaddress: return try NetworkAddress.converted(value)
        case .fileinfo: return try FileReference.made(of: value)
        case .mailaddress: return try MailAddress.converted(value)
        case .moment: return try PSMoment.converted(value)
        case .securestring where SecureText.is(value, SecureText.typeName): return value
        case .credential where SecureText.is(value, SecureText.credentialType): return value
        case .principal: return try MachineRights.made(value)
        case .role:
            guard case .string = value else { throw .handOver("an unusual role") }
            return value
        case .uri:
            if case .object(let object) = value, object.typeName == UriParts.typeName { return value }
            guard case .string(let text) = value, let address = UriParts.made(text) else {
                throw .handOver("an unusual address")
            }
            return address
        default:
            if let kind = PSEnum.Kind.of(type) {
                return try enumeration(value, kind)
            }
            // A text becomes an exception with that message.
            if let name = type.exceptionName, ExceptionType.isPlain(name), case .string(let text) = value {
                return ErrorRecords.exception(name, text)
            }
            throw .handOver("a cast to \(type.rawValue)")
        }
    }

    /// Converts a value to an enumeration; `nil` if that certainly fails.
    static func enumeration(_ value: PSValue, _ kind: PSEnum.Kind) throws(Interrupt) -> PSValue? {
        switch value {
        case .enumeration(let own) where own.kind == kind: return value
        case .int(let number) where kind.defines(number): return .enumeration(PSEnum(kind, number))
        case .int where kind.type == nil: return nil
        case .string(let name):
            if kind.type == nil { return PSEnum(kind, reading: name).map { .enumeration($0) } }
            if let found = PSEnum(kind, named: name) { return .enumeration(found) }
            if kind.isFlags, let found = PSEnum(kind, reading: name) { return .enumeration(found) }
            throw .handOver("a value that an enumeration may not have")
        default: throw .handOver("a cast to an enumeration")
        }
    }

    /// Returns the canonical text of a GUID that is written with dashes, also within braces or parentheses, or as 32
    /// digits (.NET's formats D, B, P and N). Blanks around it don't count.
    static func guid(_ text: String) -> String? {
        var written = text.trimmed.lowercased()[...]
        if ["{}", "()"].contains("\(written.prefix(1))\(written.suffix(1))") {
            written = written.dropFirst().dropLast()
            guard written.utf8.contains(UInt8(ascii: "-")) else { return nil }
        }
        let parts = written.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.map(\.count) == [8, 4, 4, 4, 12] else { return nil }
        var digits = Array(parts.joined())
        guard digits.count == 32,
            digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        for place in [20, 16, 12, 8] { digits.insert(UInt8(ascii: "-"), at: place) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Returns the parts of a version.
    static func version(_ text: String) -> [Int32]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (2...4).contains(parts.count) else { return nil }
        var numbers: [Int32] = []
        for part in parts {
            guard (1...9).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int32(part)
            else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// Converts a value to a numeric type; `nil` if it certainly isn't a number.
    private static func number(_ value: PSValue, _ type: PSType) throws(Interrupt) -> PSValue? {
        switch value {
        case .null, .nothing: return try number(.int(0), type)
        case .bool(let flag): return try number(.int(flag ? 1 : 0), type)
        case .enumeration(let own): return try number(.int(own.value), type)
        case .string(let text):
            guard case .number(let found) = try NumberText.read(text) else { return nil }
            return try number(found, type)
        case .char(let unit):
            guard type == .int || type == .long else { throw .handOver("a character as a number") }
            return try number(.int(Int32(unit)), type)
        case .byte(let byte): return try number(.int(Int32(byte)), type)
        case .single(let own) where type != .single: return try number(.double(Double(own)), type)
        case .int, .long, .double, .single, .decimal: break
        case .span, .date, .array, .guid, .version: return nil
        case .object(let object) where object.isCustom: return nil
        default: throw .handOver("a cast of \(value.typeName) to a number")
        }
        switch type {
        case .int, .long:
            let whole: Int64?
            switch value {
            case .int(let number): whole = Int64(number)
            case .long(let number): whole = number
            case .double(let number): whole = Int64(exactly: number.rounded(.toNearestOrEven))
            case .decimal(let number): whole = number.whole
            default: whole = nil
            }
            guard let whole else { throw .handOver("a cast that overflows") }
            if type == .long { return .long(whole) }
            guard let small = Int32(exactly: whole) else { throw .handOver("a cast that overflows") }
            return .int(small)
        case .decimal:
            guard let number = decimal(value) else { throw .handOver("a cast that overflows") }
            return .decimal(number)
        case .single: return Comparison.double(value).map { .single(Float($0)) }
        default: return Comparison.double(value).map { .double($0) }
        }
    }

    /// Converts any number to a decimal; `nil` if it doesn't fit or isn't a number.
    static func decimal(_ value: PSValue) -> PSDecimal? {
        switch value {
        case .int(let number): PSDecimal(Int64(number))
        case .byte(let number): PSDecimal(Int64(number))
        case .long(let number): PSDecimal(number)
        case .double(let number): PSDecimal(number)
        case .decimal(let number): number
        default: nil
        }
    }
}

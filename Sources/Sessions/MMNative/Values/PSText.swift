import Glibc
import PowerShellSyntax

/// Converts values to text.
enum PSText {
    /// Returns the text in `"$value"`, `[string]` and `-join` (invariant culture).
    static func string(_ value: PSValue) throws(Interrupt) -> String {
        switch value {
        case .null, .nothing: return ""
        case .bool(let flag): return flag ? "True" : "False"
        case .byte(let number): return String(number)
        case .int(let number): return String(number)
        case .long(let number): return String(number)
        case .double(let number): return short(number)
        case .single(let number): return short(number)
        case .decimal(let number): return number.text
        case .span(let ticks): return PSSpan.text(ticks)
        case .guid(let text): return text
        case .version(let parts): return parts.map { String($0) }.joined(separator: ".")
        case .enumeration(let value): return value.name
        case .char(let unit): return String(decoding: [unit], as: UTF16.self)
        case .string(let text): return text
        case .date(let date): return date.text
        case .array(let items):
            var texts: [String] = []
            texts.reserveCapacity(items.count)
            for item in items { texts.append(try element(item)) }
            return try StepBound.joined(texts, " ")
        case .list(let list): return try string(.array(list.items))
        case .ownType(let type): return type.name
        case .table, .typeInfo, .type:
            if case .table(let table) = value { return try table.text }
            throw .handOver("the text of a type")
        case .object(let object): return try custom(object)
        case .block: throw .handOver("the text of a script block")
        }
    }

    /// Returns the text of a value where a list is shown by the name of its type.
    static func whole(_ value: PSValue) throws(Interrupt) -> String {
        switch value {
        case .array, .list: value.typeName
        default: try string(value)
        }
    }

    /// Returns the text of an element of a list, where a custom object's text is empty and a list shows only its type.
    static func element(_ value: PSValue) throws(Interrupt) -> String {
        guard case .object(let object) = value else { return try whole(value) }
        if XMLNode.isNode(object) { return XMLNode.localName(object) }
        if Self.textProperties[object.typeName] != nil { return try custom(object) }
        if object.ownClass != nil || object.isSecret || object.typeName == ErrorRecords.type {
            return try custom(object)
        }
        if let model = object.model { return model }
        guard object.isCustom else { throw .handOver("joining objects") }
        return ""
    }

    /// The properties that serve as the text of some types.
    private static let textProperties = [
        RegexObjects.matchType: "Value", RegexObjects.groupType: "Value", PSObject.lineType: PSObject.lineText,
        UriParts.typeName: "AbsoluteUri", MailAddress.typeName: "Address",
        NetworkAddress.typeName: "IPAddressToString", PSMoment.typeName: PSMoment.text,
        FolderUser.typeName: FolderUser.text, HostCommands.commandType: "Name", PSObject.pathType: "Path",
        PSObject.fileType: "FullName",
        PSObject.folderType: "FullName",
    ]

    /// Returns `@{a=1; b=x}`, in which nested arrays and objects are abbreviated.
    private static func custom(_ object: PSObject) throws(Interrupt) -> String {
        if object.typeName == ErrorRecords.type, case .object(let exception)? = object["Exception"],
            case .string(let message)? = exception["Message"]
        {
            return message
        }
        if let text = ErrorRecords.text(ofException: object) { return text }
        // A node by itself is shown as the name of its type, unless it came through a pipeline.
        if XMLNode.isNode(object) { throw .handOver("the text of an XML node") }
        if let own = RegexObjects.written(.object(object)) { return own.pattern }
        if let text = try TextBuilder.text(object) { return text }
        if let name = Self.textProperties[object.typeName], let text = object[name] { return try string(text) }
        if let type = object.ownClass {
            guard !type.hasText else { throw .handOver("the text of a \(type.name)") }
            return type.name
        }
        if object.isSecret { return object.typeName }
        if let model = object.model { return model }
        guard object.isCustom else {
            throw .handOver("the text of a \(object.typeName)")
        }
        var parts: [String] = []
        for (name, value) in zip(object.shape.names, object.values) {
            switch value {
            case .array, .list: parts.append(name + "=" + object.arrayType(of: name))
            case .object(let inner):
                guard inner.isOfScript else { throw .handOver("the text of a \(inner.typeName)") }
                parts.append(name + "=" + (inner.isCustom ? inner.model ?? "" : try custom(inner)))
            default: parts.append(name + "=" + (try string(value)))
            }
        }
        return parts.isEmpty ? "" : "@{" + parts.joined(separator: "; ") + "}"
    }

    /// Returns a double with 15 significant digits, as casts and strings show it.
    static func short(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        let digits = printed("%.15g", number)
        let rounded = number.isFinite ? Double(digits) ?? number : number
        // The greatest numbers, rounded to fewer digits, are beyond what a double can hold.
        guard rounded.isFinite || !number.isFinite else { return digits.uppercased() }
        return NumberValue.double(rounded).invariantText
    }

    /// Returns a single with 7 significant digits, as casts and strings show it.
    static func short(_ number: Float) -> String {
        guard number.isFinite, let rounded = Double(printed("%.7g", Double(number))) else {
            return short(Double(number))
        }
        return NumberValue.text(of: rounded, digits: 7)
    }

    /// Returns a single with the digits that tell it from its neighbours, as `ToString()` shows it.
    static func long(_ number: Float) -> String {
        number.isNaN ? "NaN" : NumberValue.text(of: widened(number), digits: 9)
    }

    /// Returns the double with the same shortest digits.
    static func widened(_ number: Float) -> Double { Double("\(number)") ?? Double(number) }

    /// Returns a double with all its digits, as `ToString()` and JSON show it.
    static func long(_ number: Double) -> String {
        number.isNaN ? "NaN" : NumberValue.text(of: number, digits: 17)
    }

    /// Formats a double as C's `printf` does.
    static func printed(_ format: String, _ number: Double) -> String {
        var buffer = [CChar](repeating: 0, count: 512)
        _ = withVaList([number]) { vsnprintf(&buffer, buffer.count, format, $0) }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension String {
    /// Whether every unit is printable ASCII, whose comparison needs no culture tables.
    var isPlain: Bool { utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
    /// Whether every unit is ASCII, control characters included.
    var isASCII: Bool { utf8.allSatisfy { $0 < 0x80 } }
}

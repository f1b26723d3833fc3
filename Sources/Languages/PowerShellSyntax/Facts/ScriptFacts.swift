/// Everything in a script that can run, change or hide something, in source order.
///
/// Facts are ordered by their start; an outer one precedes those inside it.
package struct ScriptFacts: Sendable {
    /// The errors in the text; if there are any, there are no facts.
    package let errors: [ParseError]
    /// Whether an interactive shell would wait for more text.
    package let isIncomplete: Bool
    /// The requirements of `#requires` lines; `nil` without any.
    package let requirements: ScriptRequirements?
    /// The facts.
    package let items: [ScriptFact]

    /// Collects the facts of a parsed text.
    package init(of script: ParsedScript) {
        errors = script.errors
        isIncomplete = script.isIncomplete
        requirements = script.requirements
        items = script.facts
    }
}

extension ScriptFacts {
    /// The facts as one line of ASCII JSON, without a line end.
    package var jsonLine: String { String(decoding: jsonBytes, as: UTF8.self) }

    /// The facts as the bytes of one line of ASCII JSON, without a line end.
    package var jsonBytes: [UInt8] {
        var writer = JSONLineWriter()
        writer.openObject()
        writer.key("errors")
        writer.openArray()
        for error in errors {
            writer.openObject()
            writer.key("id")
            writer.string(error.id)
            writer.key("o")
            writer.number(error.extent.start)
            writer.closeObject()
        }
        writer.closeArray()
        if isIncomplete { writer.flag("incomplete", true) }
        if let requirements { writer.write(requirements) }
        writer.key("items")
        writer.openArray()
        for item in items { writer.write(item) }
        writer.closeArray()
        writer.closeObject()
        return writer.bytes
    }
}

extension JSONLineWriter {
    /// Writes a flag, unless it is `false`.
    fileprivate mutating func flag(_ name: StaticString, _ value: Bool) {
        guard value else { return }
        key(name)
        literal("true")
    }

    fileprivate mutating func member(_ name: StaticString, _ value: String?) {
        key(name)
        string(value)
    }

    fileprivate mutating func write(_ requirements: ScriptRequirements) {
        key("requires")
        openObject()
        key("modules")
        openArray()
        for module in requirements.modules { string(module) }
        closeArray()
        key("assemblies")
        openArray()
        for assembly in requirements.assemblies { string(assembly) }
        closeArray()
        if let version = requirements.version { member("version", version) }
        flag("admin", requirements.isElevationRequired)
        closeObject()
    }

    fileprivate mutating func write(_ item: ScriptFact) {
        openObject()
        member("k", item.kindName)
        key("o")
        number(item.extent.start)
        key("d")
        number(item.depth)
        write(item.detail)
        closeObject()
    }

    private mutating func write(_ detail: ScriptFact.Detail) {
        switch detail {
        case .command(let command): write(command)
        case .expression(let redirections): write(redirections)
        case .type(let name, let use):
            member("n", name)
            member("u", use.rawValue)
        case .member(let name, let isStatic, let isNullConditional):
            member("n", name)
            flag("st", isStatic)
            flag("nc", isNullConditional)
        case .call(let call): write(call)
        case .index(let value, let isNullConditional):
            key("v")
            write(value)
            flag("nc", isNullConditional)
        case .set(let path, let op):
            member("n", path.path)
            member("by", op)
        case .setMember(let name, let isStatic):
            member("n", name)
            flag("st", isStatic)
        case .variable(let path, let isSplatted):
            member("n", path.path)
            flag("sp", isSplatted)
        case .hashtable(let count), .expandableString(let count):
            key("n")
            number(count)
        case .string(let text): member("v", text)
        case .number(let number):
            key("v")
            write(FactValue.number(number))
        case .operator(let name, let arity):
            member("n", name)
            key("ar")
            number(arity)
        case .chain(let op, let isBackground):
            member("n", op.rawValue)
            flag("bg", isBackground)
        case .function(let name, let isFilter):
            member("n", name)
            flag("filter", isFilter)
        case .typeDefinition(_, let name): member("n", name)
        case .method(let name, let isStatic):
            member("n", name)
            flag("st", isStatic)
        case .property(let name, let isStatic, let hasInitialValue):
            member("n", name)
            flag("st", isStatic)
            flag("init", hasInitialValue)
        case .parameter(let name, let hasDefault):
            member("n", name)
            flag("def", hasDefault)
        case .alias(let name, let value):
            member("n", name)
            member("v", value)
        case .block(let kind): member("n", kind.rawValue)
        case .using(let kind, let name, let specification):
            member("u", kind.rawValue)
            if let name { member("n", name) }
            if let specification {
                key("spec")
                write(specification)
            }
        case .data(let variable, let commands):
            member("n", variable)
            key("cmds")
            openArray()
            for command in commands { write(command) }
            closeArray()
        case .statement(let name, let flags):
            member("n", name)
            if let flags { member("flags", flags.names) }
        case .setIndex, .setOther, .scriptBlock, .background: break
        }
    }

    private mutating func write(_ command: CommandFact) {
        member("n", command.name)
        if let invocation = command.invocation { member("op", invocation.rawValue) }
        if let head = command.head {
            key("h")
            write(head)
        }
        key("a")
        openArray()
        for argument in command.arguments {
            openObject()
            switch argument {
            case .parameter(let name, let value):
                member("p", name)
                if let value {
                    key("v")
                    write(value)
                }
            case .value(let value):
                key("v")
                write(value)
            }
            closeObject()
        }
        closeArray()
        if !command.redirections.isEmpty { write(command.redirections) }
        if command.count > 1 {
            key("i")
            number(command.index)
            key("m")
            number(command.count)
        }
    }

    private mutating func write(_ redirections: [RedirectionFact]) {
        key("r")
        openArray()
        for redirection in redirections {
            openObject()
            key("f")
            switch redirection {
            case .file(let stream, let target, let isAppending):
                number(stream.rawValue)
                flag("ap", isAppending)
                key("to")
                write(target)
            case .merge(let stream):
                number(stream.rawValue)
                key("m")
                number(1)
            }
            closeObject()
        }
        closeArray()
    }

    private mutating func write(_ call: CallFact) {
        member("n", call.name)
        flag("st", call.isStatic)
        flag("nc", call.isNullConditional)
        key("na")
        number(call.argumentCount)
        if !call.genericArguments.isEmpty {
            key("g")
            openArray()
            for type in call.genericArguments { string(type) }
            closeArray()
        }
    }

    private mutating func write(_ value: FactValue) {
        openObject()
        switch value {
        case .string(let text): member("s", text)
        case .number(let number):
            member("n", number.text)
            member("t", number.value.typeName)
            member("v", number.value.invariantText)
        case .literal(let literal): member("l", literal.rawValue)
        case .array(let elements):
            key("a")
            openArray()
            for element in elements { write(element) }
            closeArray()
        case .hashtable(let keys):
            member("x", "hash")
            key("keys")
            openArray()
            for key in keys { write(key) }
            closeArray()
        case .dynamic(let kind, let name):
            member("x", kind.rawValue)
            if let name { member("n", name) }
        }
        closeObject()
    }
}

extension ScriptFact {
    /// The short name of the kind in the JSON form.
    fileprivate var kindName: String {
        switch detail {
        case .command: "cmd"
        case .expression: "expr"
        case .type: "type"
        case .member: "mem"
        case .call: "call"
        case .index: "idx"
        case .set: "set"
        case .setMember: "setmem"
        case .setIndex: "setidx"
        case .setOther: "setother"
        case .variable: "var"
        case .scriptBlock: "sb"
        case .hashtable: "hash"
        case .expandableString: "xstr"
        case .string: "str"
        case .number: "num"
        case .operator: "op"
        case .chain: "chain"
        case .background: "bg"
        case .function: "fn"
        case .typeDefinition(let kind, _): kind.rawValue
        case .method: "method"
        case .property: "prop"
        case .parameter: "param"
        case .alias: "aliasdef"
        case .block: "block"
        case .using: "using"
        case .data: "data"
        case .statement: "stmt"
        }
    }
}

/// Writes JSON as ASCII bytes.
struct JSONLineWriter {
    private(set) var bytes: [UInt8] = []
    /// Whether a comma must precede the next member or element.
    private var needsComma = false

    private static let hex = Array("0123456789abcdef".utf8)

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func openObject() { open(UInt8(ascii: "{")) }
    mutating func closeObject() { close(UInt8(ascii: "}")) }
    mutating func openArray() { open(UInt8(ascii: "[")) }
    mutating func closeArray() { close(UInt8(ascii: "]")) }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    /// Writes a member's name; its value must follow.
    mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func number(_ value: Int) {
        separate()
        if value >= 0, value < 10 {
            bytes.append(UInt8(value) + 0x30)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    mutating func literal(_ text: StaticString) {
        separate()
        raw(text)
    }

    /// Writes a string, or `null`.
    mutating func string(_ text: String?) {
        guard let text else { return literal("null") }
        separate()
        bytes.append(UInt8(ascii: "\""))
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5C:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(unit))
            case 0x20..<0x7F: bytes.append(UInt8(unit))
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            default:
                raw("\\u")
                for shift in [12, 8, 4, 0] { bytes.append(JSONLineWriter.hex[Int(unit >> shift & 0xF)]) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

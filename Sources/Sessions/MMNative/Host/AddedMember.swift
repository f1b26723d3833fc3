import PowerShellSyntax

/// Members with code or with another name, which `Add-Member` gives to objects (about_Object_Creation; Add-Member, "Add
/// a ScriptMethod to an object", "Add an alias property").
enum AddedMember {
    /// Names that every object has already, and that PowerShell itself calls.
    private static let ofAll: Set<String> = ["tostring", "equals", "gethashcode", "gettype", "foreach", "where"]

    /// Returns the written kind of member of a call of `Add-Member` if the engine doesn't have that kind.
    /// - Parameter onlyReads: whether the script changes nothing.
    static func misfit(_ node: CommandSyntax, name: String, onlyReads: Bool) -> String? {
        guard name.lowercased() == "add-member" else { return nil }
        var other: Set<String> = [
            "aliasproperty", "codemethod", "codeproperty", "memberset", "method", "methods", "parameterizedproperty",
            "property",
            "propertyset", "scriptproperty",
        ]
        if onlyReads { other.subtract(["aliasproperty", "scriptproperty"]) }
        for case .argument(.string(let word)) in node.elements where other.contains(word.value.lowercased()) {
            return word.value
        }
        for case .parameter(let parameter) in node.elements {
            if case .string(let word)? = parameter.argument, other.contains(word.value.lowercased()) {
                return word.value
            }
        }
        return nil
    }

    /// How a property is computed from the other properties of its object.
    enum Computed: Sendable {
        /// By a block, in which `$this` is the object.
        case block(PSBlock)
        /// As the property with this name.
        case alias(String)
    }

    /// Types whose members depend on nothing but their arguments.
    fileprivate static let pureTypes: Set<PSType> = [.math, .string, .int, .long, .double, .decimal, .bool, .timespan]

    /// Adds a property that is computed from the others to each object. Its value is kept and computed again when
    /// another property changes, so it may depend only on these.
    static func add(
        _ way: Computed, _ command: BoundCommand, _ items: [PSValue], _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard let name = command["Name"]?.text, evaluator.onlyReads, name.isPlain, command["SecondValue"] == nil else {
            throw .handOver("Add-Member of an unusual property")
        }
        if case .block(let block) = way, !evaluator.isPure(block) {
            throw .handOver("Add-Member of a ScriptProperty that depends on more than its object")
        }
        for item in items {
            guard case .object(let object) = item, object.isCustom else {
                throw .handOver("Add-Member to \(item.typeName)")
            }
            guard object.add(name, .null) else { throw .handOver("a property in place of another member") }
            object.compute(name, way)
            try evaluator.recompute(object)
            if command.isSet("PassThru") { try emit(item) }
        }
    }

    /// Adds a script method to each object.
    static func add(
        _ block: PSBlock, _ command: BoundCommand, _ items: [PSValue], _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard let name = command["Name"]?.text, evaluator.onlyReads, !ofAll.contains(name.lowercased()),
            name.isPlain
        else { throw .handOver("Add-Member of a ScriptMethod") }
        for item in items {
            guard case .object(let object) = item, object.isCustom else {
                throw .handOver("Add-Member to \(item.typeName)")
            }
            guard object.add(method: name, block) else { throw .handOver("a method in place of another member") }
            if command.isSet("PassThru") { try emit(item) }
        }
    }
}

extension Evaluator {
    /// Returns whether a block's value depends only on `$this`.
    fileprivate func isPure(_ block: PSBlock) -> Bool {
        guard let script, block.kept == nil, block.source.count == source.count else { return false }
        return ScriptFacts(of: script).items.allSatisfy { item in
            guard block.syntax.extent.start < item.extent.start, item.extent.end <= block.syntax.extent.end else {
                return true
            }
            switch item.detail {
            case .variable(let path, _): return ["this", "true", "false", "null"].contains(path.path.lowercased())
            case .type(let name, _):
                return scriptTypes.named(name)?.known.map { AddedMember.pureTypes.contains($0) } ?? false
            case .command, .set, .setMember, .setIndex, .setOther, .scriptBlock: return false
            default: return true
            }
        }
    }

    /// Computes the properties of an object that depend on the others.
    func recompute(_ object: PSObject) throws(Interrupt) {
        guard !object.computed.isEmpty else { return }
        for (name, value) in zip(object.shape.names, object.values) where object.computed[name.lowercased()] == nil {
            switch value {
            case .null, .nothing, .string, .int, .long, .double, .single, .decimal, .bool, .date, .span, .guid, .byte,
                .char, .version, .enumeration:
                continue
            default: throw .handOver("a computed property beside \(value.typeName) in \(name)")
            }
        }
        // A property may depend on one that was added before it.
        for name in object.shape.names {
            switch object.computed[name.lowercased()] {
            case .block(let block)?:
                _ = object.set(name, try called(block, on: .object(object), name, []).withoutNothing)
            case .alias(let other)?:
                guard object.computed[other.lowercased()] == nil, let value = object[other] else {
                    throw .handOver("an alias of an unusual property")
                }
                _ = object.set(name, value)
            case nil: continue
            }
        }
    }

    /// Calls a script method, in which `$this` is its object.
    func called(
        _ block: PSBlock, on target: PSValue, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        let outer = receiver
        receiver = target
        defer { receiver = outer }
        do throws(Interrupt) {
            return .collapsed(try invoke(block, arguments))
        } catch {
            // The method's caller sees another exception, with this one's message in its own.
            switch error {
            case .statement, .fatal, .blockFailed: throw .handOver("an error within the method \(name)")
            default: throw error
            }
        }
    }
}

import PowerShellSyntax

/// Script methods, which `Add-Member` gives to objects (about_Object_Creation; Add-Member, "Add a ScriptMethod to an object").
enum AddedMember {
    /// Names that every object has already, and that PowerShell itself calls.
    private static let ofAll: Set<String> = ["tostring", "equals", "gethashcode", "gettype", "foreach", "where"]

    /// Returns the written kind of member of a call of `Add-Member` if the engine doesn't have that kind.
    static func misfit(_ node: CommandSyntax, name: String) -> String? {
        guard name.lowercased() == "add-member" else { return nil }
        let other: Set<String> = [
            "aliasproperty", "codemethod", "codeproperty", "memberset", "method", "methods", "parameterizedproperty",
            "property",
            "propertyset", "scriptproperty",
        ]
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

    /// Adds a script method to each object.
    static func add(
        _ block: PSBlock, _ command: BoundCommand, _ items: [PSValue], _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard let name = command["Name"]?.text, evaluator.onlyReads, !ofAll.contains(name.lowercased()),
            name.isPlain
        else { throw .handOver("Add-Member of a ScriptMethod") }
        var targets = items
        if let input = command["InputObject"], items.isEmpty { targets = Cmdlets.list(input) }
        for item in targets {
            guard case .object(let object) = item, object.isCustom else {
                throw .handOver("Add-Member to \(item.typeName)")
            }
            guard object.add(method: name, block) else { throw .handOver("a method in place of another member") }
            if command.isSet("PassThru") { try emit(item) }
        }
    }
}

extension Evaluator {
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

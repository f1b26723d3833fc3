internal import PowerShellSyntax

extension ScriptWalk {
    /// A function of the script's own: its body is judged where it stands, for any values of its parameters. A name that
    /// means something already, in PowerShell or in a module, would change what later commands do.
    mutating func walk(definition node: FunctionDefinitionSyntax) {
        let name = node.name.asciiLowercased
        let isOwn = isFree(name)
        if !isOwn { report(.functionDefinition, node.extent, subject: node.name) }
        let outer = (variables, items, repeats, loops)
        variables = ScriptVariables()
        items = []
        repeats = 1
        loops = 0
        // A function may call itself.
        if isOwn { functions[name] = LocalFunction(isChange: functions[name]?.isChange ?? false) }
        let before = found.count
        for parameter in node.parameters { walk(functionParameter: parameter) }
        walk(block: node.body, in: .function)
        let isChange = found[before...].contains { $0.finding.classes != .read }
        (variables, items, repeats, loops) = outer
        if isOwn { functions[name] = LocalFunction(isChange: isChange || functions[name]?.isChange ?? false) }
    }

    private func isFree(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f || $0 == 0x2d
        }
        let hooks = ["prompt", "tabexpansion2", "pause", "oss", "mkdir", "exec", "help", "more", "cd..", "clear-host"]
        return isPlain && !name.isEmpty && tables.cmdlets.entries(named: name).isEmpty
            && tables.cmdlets.alias(name) == nil && tables.cmdlets.windowsAlias(name) == nil
            && tables.cmdlets.entries(named: "get-" + name).isEmpty && !hooks.contains(name)
            && !name.hasPrefix("psconsolehost")
    }

    /// A class or enum of the script's own: its methods run when its objects are used, so their bodies are judged here.
    mutating func walk(definition node: TypeDefinitionSyntax) {
        let name = node.name.asciiLowercased
        let isOwn =
            isPlainName(node.name) && node.baseTypes.isEmpty && node.attributes.isEmpty
            && !PureTypes.isTaken(name)
        if !isOwn { report(.typeDefinition, node.extent, subject: node.name) }
        if isOwn { types.insert(name) }
        for attribute in node.attributes { walk(attribute: attribute) }
        for base in node.baseTypes { walk(type: base.typeName) }
        let outer = (variables, items, repeats, loops)
        for member in node.members {
            variables = ScriptVariables()
            items = []
            (repeats, loops) = (1, 0)
            switch member {
            case .property(let property):
                for attribute in property.attributes { walk(attribute: attribute) }
                if let type = property.type { walk(type: type.typeName) }
                if let value = property.initialValue { walk(value) }
            case .method(let method):
                report(.typeDefinition, method.extent, subject: "\(node.name).\(method.function.name)()")
                for attribute in method.attributes { walk(attribute: attribute) }
                if let type = method.returnType { walk(type: type.typeName) }
                for parameter in method.function.parameters { walk(parameter) }
                walk(block: method.function.body, in: .function)
            }
        }
        (variables, items, repeats, loops) = outer
    }
}

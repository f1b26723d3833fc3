/// `#requires` lines, which are parsed as commands.
extension Parser {
    /// Returns the requirements of the `#requires` lines at the top level; `nil` without any.
    mutating func parseRequirements() throws(Stop) -> ScriptRequirements? {
        let requirements = lexer.comments.filter { lexer.isRequirement($0) }
        guard !requirements.isEmpty else { return nil }
        var reader = RequirementReader()
        for comment in requirements {
            reader.requirements.extents.append(SourceExtent(start: comment.lowerBound, end: comment.upperBound))
            let line = SourceText(
                units: lexer.text.units, start: comment.lowerBound + 1, end: comment.upperBound, origins: nil)
            let state = lexer.enter(line)
            lexer.mode = .command
            hasHeld = false
            let command = try parseCommand()
            hasHeld = false
            lexer.leave(state)
            guard let command else { continue }
            if let fault = reader.read(command, text: lexer.text) { throw fail(fault.id, at: fault.extent) }
        }
        return reader.requirements
    }
}

/// Interprets the parameters of `#requires` commands.
struct RequirementReader {
    typealias Fault = SemanticChecker.Fault

    fileprivate(set) var requirements = ScriptRequirements()
    private var shell: String?
    private var editions: Set<String> = []
    private var hasEdition = false

    /// Reads one command.
    /// - Returns: the first fault.
    mutating func read(_ command: CommandSyntax, text: SourceText) -> Fault? {
        do throws(Fault) {
            guard let name = command.constantName, ASCIIFold.equal(name, "requires") else {
                throw Fault(id: "ScriptRequiresInvalidFormat", extent: command.extent)
            }
            var index = 1
            while index < command.elements.count {
                guard case .parameter(let parameter) = command.elements[index] else {
                    throw Fault(id: "ScriptRequiresInvalidFormat", extent: command.elements[index].extent)
                }
                index += 1
                var next: CommandElementSyntax?
                if parameter.argument == nil, index < command.elements.count {
                    next = command.elements[index]
                    index += 1
                }
                try read(parameter, next, text: text)
            }
            return nil
        } catch {
            return error
        }
    }

    private mutating func read(
        _ parameter: CommandParameterSyntax, _ next: CommandElementSyntax?, text: SourceText
    ) throws(Fault) {
        if abbreviates(parameter, "runasadministrator") {
            requirements.isElevationRequired = true
            guard parameter.argument == nil, next == nil else {
                throw Fault(id: "ParameterCannotHaveArgument", extent: parameter.extent)
            }
            return
        }
        let argument: ExpressionSyntax
        if let own = parameter.argument {
            argument = own
        } else if case .argument(let following)? = next {
            argument = following
        } else if let next {
            throw Fault(id: "RequiresArgumentMustBeConstant", extent: next.extent)
        } else {
            throw Fault(id: "ParameterRequiresArgument", extent: parameter.extent)
        }
        let values = try constants(argument)
        if abbreviates(parameter, "shellid") {
            guard shell == nil else { throw Fault(id: "ParameterAlreadyBound", extent: parameter.extent) }
            shell = try string(values, argument)
        } else if abbreviates(parameter, "pssnapin") {
            // Snap-ins don't exist in PowerShell 7, and their version follows rules of its own.
            throw Fault(id: "InvalidPSSnapInName", extent: argument.extent)
        } else if abbreviates(parameter, "psedition") {
            try readEditions(values, parameter, argument)
        } else if abbreviates(parameter, "version") {
            try readVersion(argument, parameter, text: text)
        } else if abbreviates(parameter, "assembly") {
            for value in values {
                guard case .string(let name) = value else {
                    throw Fault(id: "RequiresInvalidStringArgument", extent: argument.extent)
                }
                if !requirements.assemblies.contains(name.value) { requirements.assemblies.append(name.value) }
            }
        } else if abbreviates(parameter, "modules") {
            for value in values { requirements.modules.append(try module(value, argument)) }
        } else {
            throw Fault(id: "ScriptRequiresInvalidFormat", extent: parameter.extent)
        }
    }

    private func abbreviates(_ parameter: CommandParameterSyntax, _ name: String) -> Bool {
        ASCIIFold.hasPrefix(name, parameter.name)
    }

    /// Returns the constants of an argument: a single one, or those of a list.
    private func constants(_ argument: ExpressionSyntax) throws(Fault) -> [ExpressionSyntax] {
        var values = [argument]
        if case .arrayLiteral(let list) = argument { values = list.elements }
        for value in values {
            switch value {
            case .string, .number: continue
            case .hashtable(let table):
                for entry in table.entries {
                    guard ConstantCheck.isConstant(entry.key, allowsScriptBlocks: false),
                        let value = entry.value.pureExpression,
                        ConstantCheck.isConstant(value, allowsScriptBlocks: false)
                    else { throw Fault(id: "RequiresArgumentMustBeConstant", extent: argument.extent) }
                }
            default: throw Fault(id: "RequiresArgumentMustBeConstant", extent: argument.extent)
            }
        }
        return values
    }

    private func string(_ values: [ExpressionSyntax], _ argument: ExpressionSyntax) throws(Fault) -> String {
        guard values.count == 1, case .string(let value)? = values.first else {
            throw Fault(id: "RequiresInvalidStringArgument", extent: argument.extent)
        }
        return value.value
    }

    private mutating func readEditions(
        _ values: [ExpressionSyntax], _ parameter: CommandParameterSyntax, _ argument: ExpressionSyntax
    ) throws(Fault) {
        guard !hasEdition else { throw Fault(id: "ParameterAlreadyBound", extent: parameter.extent) }
        hasEdition = true
        for value in values {
            guard case .string(let name) = value else {
                throw Fault(id: "RequiresInvalidStringArgument", extent: argument.extent)
            }
            let edition = ASCIIFold.lowercased(name.value)
            guard edition == "core" || edition == "desktop" else {
                throw Fault(id: "RequiresPSEditionInvalid", extent: argument.extent)
            }
            guard editions.insert(edition).inserted else {
                throw Fault(id: "RequiresPSEditionValueIsAlreadySpecified", extent: argument.extent)
            }
        }
    }

    private mutating func readVersion(
        _ argument: ExpressionSyntax, _ parameter: CommandParameterSyntax, text: SourceText
    ) throws(Fault) {
        let extent = argument.extent
        var written = text.string(extent.start..<extent.end)
        if case .string(let value) = argument { written = value.value }
        guard let version = RequirementReader.version(written) else {
            throw Fault(id: "RequiresVersionInvalid", extent: extent)
        }
        guard requirements.version == nil || requirements.version == version else {
            throw Fault(id: "ParameterAlreadyBound", extent: parameter.extent)
        }
        requirements.version = version
    }

    /// Normalises a version of two to four numbers; a single number stands for its first minor version.
    private static func version(_ text: String) -> String? {
        var parts: [Int32] = []
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            let digits = part.drop { $0 == " " }
            guard let number = Int32(digits), number >= 0 else { return nil }
            parts.append(number)
        }
        if parts.count == 1 { parts.append(0) }
        guard parts.count >= 2, parts.count <= 4 else { return nil }
        return parts.map(String.init).joined(separator: ".")
    }

    /// Returns the name of a module that is given by name or by a specification.
    private func module(_ value: ExpressionSyntax, _ argument: ExpressionSyntax) throws(Fault) -> String {
        let invalid = Fault(id: "RequiresModuleInvalid", extent: argument.extent)
        switch value {
        case .string(let name):
            guard !name.value.isEmpty else { throw invalid }
            return name.value
        case .number(let number): return number.text
        case .hashtable(let table):
            var fields: [String: String] = [:]
            for entry in table.entries {
                guard case .string(let key) = entry.key else { throw invalid }
                switch entry.value.pureExpression {
                case .string(let text)?: fields[ASCIIFold.lowercased(key.value)] = text.value
                case .number(let number)?: fields[ASCIIFold.lowercased(key.value)] = number.text
                default: throw invalid
                }
            }
            let allowed: Set<String> = ["modulename", "moduleversion", "maximumversion", "requiredversion", "guid"]
            guard let name = fields["modulename"], !name.isEmpty, allowed.isSuperset(of: fields.keys) else {
                throw invalid
            }
            let versions = ["moduleversion", "maximumversion", "requiredversion"].compactMap { fields[$0] }
            guard !versions.isEmpty, fields["requiredversion"] == nil || versions.count == 1,
                versions.allSatisfy({ $0.hasSuffix(".*") || RequirementReader.version($0) != nil }),
                fields["guid"].map(RequirementReader.isGuid) ?? true
            else { throw invalid }
            return name
        default: throw invalid
        }
    }

    private static func isGuid(_ text: String) -> Bool {
        let bytes = text.utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "}") }
        return bytes.count == 32 && bytes.allSatisfy { CharacterClass.isHexDigit(UInt16($0)) }
    }
}

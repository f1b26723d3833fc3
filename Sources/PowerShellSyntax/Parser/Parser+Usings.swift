/// `using` statements.
extension Parser {
    /// Parses the `using` statements at the start of a script.
    mutating func parseUsings() throws(Stop) -> [UsingStatementSyntax] {
        var usings: [UsingStatementSyntax] = []
        while true {
            let token = try peekToken()
            guard token.kind == .using else {
                resync(Int(token.start))
                return usings
            }
            skipToken()
            usings.append(try parseUsing(token))
            try skipNewlinesAndSemicolons()
        }
    }

    /// Rejects a `using` statement anywhere else, reporting its own errors first.
    mutating func refuseUsing(_ token: Token) throws(Stop) { _ = try parseUsing(token) }

    private mutating func parseUsing(_ token: Token) throws(Stop) -> UsingStatementSyntax {
        let directive = try nextToken()
        let kind: UsingStatementSyntax.Kind?
        switch directive.kind {
        case .namespace: kind = .namespace
        case .module: kind = .module
        case .assembly: kind = .assembly
        case .type, .command: kind = nil
        default: throw failIncomplete("MissingUsingStatementDirective", at: extent(token).after)
        }
        let itemToken = try nextToken()
        switch itemToken.kind {
        case .endOfInput, .newLine, .comma, .semi:
            throw failIncomplete("MissingUsingItemName", at: extent(directive).after)
        default: break
        }
        guard let item = try parseArgument(.commandArgument, itemToken) else {
            throw fail("InvalidValueForUsingItemName", at: extent(itemToken))
        }
        var name: StringConstantSyntax?
        var specification: HashtableSyntax?
        switch item {
        case .string(let string): name = string
        case .hashtable(let table) where kind == .module: specification = table
        default: throw fail("InvalidValueForUsingItemName", at: item.extent)
        }
        let whole = extent(token).through(item.extent)
        if kind != .assembly, name != nil, try peekKind() == .equals {
            throw fail("UsingStatementNotSupported", at: whole)
        }
        guard let kind else { throw failIncomplete("MissingEqualsInUsingAlias", at: extent(itemToken).after) }
        let terminator = try peekToken()
        switch terminator.kind {
        case .newLine, .semi: skipToken()
        case .endOfInput: break
        default: throw failIncomplete("MissingStatementTerminator", at: extent(terminator))
        }
        // The engine looks up, reads and partly runs what these name while it parses, and only the session knows
        // whether it exists. The text alone decides only for namespaces.
        switch kind {
        case .namespace:
            if let name, !isNamespace(name.value) { throw fail("InvalidNamespaceValue", at: name.extent) }
        case .module:
            guard let name, ShippedModules.contains(name.value) else {
                throw fail("ModuleNotFoundDuringParse", at: whole)
            }
        case .assembly:
            guard let name, isRooted(name.value) else { throw fail("ErrorLoadingAssembly", at: item.extent) }
        }
        return keep(UsingStatementSyntax(extent: whole, kind: kind, name: name, specification: specification))
    }

    /// Whether a path is rooted; the engine doesn't look at such a path before the script runs.
    private func isRooted(_ path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(3))
        if bytes.first == UInt8(ascii: "/") { return bytes.count == 1 || bytes[1] != UInt8(ascii: "/") }
        return bytes.count == 3 && ASCIIFold.lower(bytes[0]) &- 0x61 < 26 && bytes[1] == UInt8(ascii: ":")
            && (bytes[2] == UInt8(ascii: "\\") || bytes[2] == UInt8(ascii: "/"))
    }

    private func isNamespace(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.unicodeScalars.first, isNamespaceStart(first) else { return false }
            return part.unicodeScalars.dropFirst().allSatisfy { isNamespaceStart($0) || isNamespaceFollow($0) }
        }
    }

    private func isNamespaceStart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber:
            scalar.value <= 0xFFFF
        default: scalar == "_"
        }
    }

    private func isNamespaceFollow(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .format: scalar.value <= 0xFFFF
        default: false
        }
    }
}

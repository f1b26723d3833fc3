/// Type names.
extension Parser {
    /// Parses a type name; `nil` when something else follows.
    mutating func parseTypeName(allowsAssembly: Bool) throws(Stop) -> TypeNameSyntax? {
        let oldMode = lexer.mode
        setMode(.typeName)
        let token = try nextToken()
        guard token.kind == .identifier else {
            unget(token)
            setMode(oldMode)
            return nil
        }
        let name = try finishTypeName(token, isBareArgument: false, allowsAssembly: allowsAssembly)
        setMode(oldMode)
        return name
    }

    /// Parses what follows the name: array brackets, generic arguments, an assembly.
    /// - Parameter isBareArgument: whether this is a generic argument without brackets of its own, after which a comma
    ///   separates.
    private mutating func finishTypeName(
        _ token: Token, isBareArgument: Bool, allowsAssembly: Bool
    ) throws(Stop) -> TypeNameSyntax {
        try descend()
        defer { ascend() }
        var follower = try peekToken()
        var arguments: [TypeNameSyntax]?
        var nameEnd = token
        if follower.kind == .lBracket {
            let bracket = follower
            skipToken()
            try skipNewlines()
            let first = try nextToken()
            switch first.kind {
            case .rBracket, .comma:
                return try finishArray(token, arguments: nil, nameEnd: token, first: first, isBareArgument)
            case .lBracket, .identifier:
                let (types, closing) = try parseGenericArguments(first)
                guard closing.kind == .rBracket else {
                    throw failIncomplete("EndSquareBracketExpectedAtEndOfAttribute", at: extent(closing).before)
                }
                arguments = types
                nameEnd = closing
            case .endOfInput: throw failIncomplete("MissingTypename", at: extent(bracket).after)
            default: throw unexpected(first)
            }
            follower = try peekToken()
            if follower.kind == .lBracket {
                skipToken()
                let first = try nextToken()
                return try finishArray(token, arguments: arguments, nameEnd: nameEnd, first: first, isBareArgument)
            }
        }
        var assembly: String?
        if follower.kind == .comma, !isBareArgument, allowsAssembly || arguments != nil {
            assembly = try parseAssembly(follower)
        }
        return makeTypeName(token, arguments: arguments, nameEnd: nameEnd, assembly: assembly, ranks: [])
    }

    private mutating func parseAssembly(_ comma: Token) throws(Stop) -> String {
        skipToken()
        let assembly = lexer.scanAssemblyName()
        try lexer.spend(assembly.utf16.count)
        guard !assembly.isEmpty else { throw fail("MissingAssemblyNameSpecification", at: extent(comma).after) }
        return assembly
    }

    /// Parses array brackets after their first `[` and the token that follows it.
    private mutating func finishArray(
        _ token: Token, arguments: [TypeNameSyntax]?, nameEnd: Token, first: Token, _ isBareArgument: Bool
    ) throws(Stop) -> TypeNameSyntax {
        var ranks: [(rank: Int, end: Token)] = []
        var assembly: String?
        var inner = first
        while true {
            switch inner.kind {
            case .rBracket: ranks.append((1, inner))
            case .comma:
                var rank = 1
                var last = inner
                var next = inner
                repeat {
                    last = next
                    rank += 1
                    next = try nextToken()
                } while next.kind == .comma
                if rank > 32 { throw fail("ArrayHasTooManyDimensions", at: extent(inner).through(extent(last))) }
                guard next.kind == .rBracket else {
                    throw fail("EndSquareBracketExpectedAtEndOfAttribute", at: extent(last).after)
                }
                ranks.append((rank, next))
            case .endOfInput: throw fail("EndSquareBracketExpectedAtEndOfAttribute", at: extent(inner).before)
            default: throw unexpected(inner)
            }
            // The engine has the same limit.
            if ranks.count > 200 { throw fail("ScriptTooComplicated", at: extent(token)) }
            let follower = try peekToken()
            if follower.kind == .comma, !isBareArgument {
                assembly = try parseAssembly(follower)
                break
            }
            guard follower.kind == .lBracket else { break }
            skipToken()
            inner = try nextToken()
        }
        return makeTypeName(token, arguments: arguments, nameEnd: nameEnd, assembly: assembly, ranks: ranks)
    }

    private mutating func makeTypeName(
        _ token: Token, arguments: [TypeNameSyntax]?, nameEnd: Token, assembly: String?,
        ranks: [(rank: Int, end: Token)]
    ) -> TypeNameSyntax {
        let start = extent(token)
        // As in .NET reflection, a backtick is escaped by another one.
        let plain = singleBackticks(lexer.string(token))
        var name = keep(TypeNameSyntax(extent: start, form: .name(plain, assembly: assembly)))
        if let arguments {
            name = keep(
                TypeNameSyntax(extent: start.through(extent(nameEnd)), form: .generic(name, arguments: arguments)))
        }
        for (rank, end) in ranks {
            name = keep(TypeNameSyntax(extent: start.through(extent(end)), form: .array(name, rank: rank)))
        }
        return name
    }

    private func singleBackticks(_ name: String) -> String {
        let backtick = UInt8(ascii: "`")
        guard name.utf8.contains(backtick) else { return name }
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in name.utf8 {
            isEscaped = byte == backtick && bytes.last == backtick && !isEscaped
            if !isEscaped { bytes.append(byte) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Parses generic arguments after their first token.
    /// - Returns: the arguments and the token after them.
    mutating func parseGenericArguments(_ first: Token) throws(Stop) -> ([TypeNameSyntax], Token) {
        var arguments = [try parseGenericArgument(first)]
        while true {
            try skipNewlines()
            let separator = try nextToken()
            guard separator.kind == .comma else { return (arguments, separator) }
            try skipNewlines()
            let token = try peekToken()
            guard token.kind == .identifier || token.kind == .lBracket else {
                throw failIncomplete("MissingTypename", at: extent(separator).after)
            }
            skipToken()
            arguments.append(try parseGenericArgument(token))
        }
    }

    private mutating func parseGenericArgument(_ first: Token) throws(Stop) -> TypeNameSyntax {
        if first.kind == .identifier {
            return try finishTypeName(first, isBareArgument: true, allowsAssembly: true)
        }
        let token = try nextToken()
        guard token.kind == .identifier else { throw failIncomplete("MissingTypename", at: extent(token).after) }
        let name = try finishTypeName(token, isBareArgument: false, allowsAssembly: true)
        let closing = try nextToken()
        guard closing.kind == .rBracket else {
            throw failIncomplete("EndSquareBracketExpectedAtEndOfType", at: extent(closing).before)
        }
        return name
    }
}

internal import PowerShellSyntax

/// Binds the arguments of a command to the parameters in its module's table, with all parameters that each may refer
/// to. The entries of splatted hashtables are treated like written names and values. A value that may belong to several
/// parameters is judged as each of them.
struct CommandBinder: Sendable {
    /// A value of a splatted hashtable.
    struct Splatted {
        var name: String
        var value: ExpressionSyntax
        var facts: ValueFacts
    }

    /// The parameters of the command, then those of every command.
    private let parameters: [CmdletParameter]
    /// Whether a table lists the command's own parameters.
    private let hasTable: Bool
    private let binder: ParameterBinder

    /// - Parameters:
    ///   - own: the command's own parameters; `nil` if no table lists them.
    ///   - usual: the parameters of nearly every command of the module, for commands that no table lists.
    ///   - common: the parameters of every command.
    init(own: [CmdletParameter]?, usual: [CmdletParameter], common: [CmdletParameter]) {
        let first = own ?? usual
        let all = first + common
        parameters = all
        hasTable = own != nil
        binder = ParameterBinder(
            own: first.map(\.bindable), common: common.map(\.bindable), isComplete: own != nil
        ) { all[$0].fit($1) }
    }

    /// The value of an argument with its facts.
    private struct Given {
        /// `nil` for a name without a value, and for a value that looks like a name, because it is never read.
        var expression: ExpressionSyntax?
        var extent: SourceExtent
        var facts: ValueFacts?
    }

    /// - Parameter splatted: the entries of the hashtable that a splatted variable holds; `nil` if they are unknown.
    func bind(_ command: CommandSyntax, splatted: (VariableExpressionSyntax) -> [Splatted]?) -> [BoundArgument] {
        guard command.elements.count > 1 else { return [] }
        var words: [ArgumentWord] = []
        var given: [Given] = []
        words.reserveCapacity(command.elements.count)
        given.reserveCapacity(command.elements.count)
        func add(_ word: ArgumentWord, _ value: ExpressionSyntax?, _ extent: SourceExtent, _ facts: ValueFacts? = nil) {
            words.append(word)
            given.append(Given(expression: value, extent: extent, facts: facts))
        }
        for word in command.words {
            switch word {
            case .name(let node): add(.name(node.name, isTied: node.argument != nil), node.argument, node.extent)
            case .value(let value): add(.value, value, value.extent)
            case .text(let node): add(.apart, nil, node.extent)
            case .splat(let variable):
                guard let entries = splatted(variable) else {
                    add(.apart, .variable(variable), variable.extent)
                    continue
                }
                for entry in entries {
                    add(.name(entry.name, isTied: true), entry.value, variable.extent, entry.facts)
                }
            }
        }
        let pairs = binder.pairs(words)
        let places = hasTable && pairs.contains { $0.written == nil } ? self.places(of: pairs) : nil
        return pairs.enumerated().map { index, pair in
            let start = given[pair.word].extent
            let value = pair.value.map { given[$0] }
            return BoundArgument(
                written: pair.written, candidates: (places?[index] ?? pair.candidates).map { parameters[$0] },
                value: value?.expression, facts: value?.facts,
                extent: SourceExtent(start: start.start, end: max(start.end, value?.extent.end ?? 0)),
                hasTable: hasTable)
        }
    }

    /// Returns the parameters that each value may be for. For one without a name these are, in order, those at the
    /// positions that no name has taken.
    private func places(of pairs: [ArgumentPair]) -> [[Int]] {
        let taken = pairs.compactMap { $0.candidates.count == 1 ? parameters[$0.candidates[0]].nameOffset : nil }
        func free(behind last: Int) -> [Int] {
            binder.nextPositional { parameters[$0].position <= last || taken.contains(parameters[$0].nameOffset) }
        }
        var last = -1
        return pairs.map { pair in
            guard pair.written == nil else { return pair.candidates }
            let here = free(behind: last)
            guard let first = here.first else {
                // There is one positional value too many: the cmdlet has a form that the table lacks.
                return parameters.indices.filter {
                    let one = parameters[$0]
                    return one.position >= 0 && !one.isSwitch && !one.isCommon && !taken.contains(one.nameOffset)
                }
            }
            let position = parameters[first].position
            defer { last = position }
            let required = here.filter { parameters[$0].isRequired }
            let isSole = required.count == 1 && here.count > 1 && last < 0 && free(behind: position).isEmpty
            return isSole ? required : here
        }
    }
}

/// Binds the words after a command's name to the command's parameters, as PowerShell does: by name, alias or
/// abbreviation, and the remaining ones by position.
///
/// The guard judges with it and the native engine runs with it, so that what is judged is what runs. It decides nothing
/// that the text leaves open: where a name may refer to several parameters, it returns all of them.
package struct ParameterBinder: Sendable {
    /// The command's own parameters, followed by the common ones.
    private let parameters: [BindableParameter]
    private let ownCount: Int
    private let isComplete: Bool
    private let fit: @Sendable (_ parameter: Int, _ written: String) -> ParameterFit

    /// Creates a binder for one command.
    /// - Parameters:
    ///   - own: the command's own parameters.
    ///   - common: the parameters of every command, which are numbered after the command's own.
    ///   - isComplete: whether the command has no other parameters, so that an abbreviation of an own one is
    ///     unambiguous.
    ///   - fit: how a written name, with its ASCII letters in lower case, matches a parameter.
    package init(
        own: [BindableParameter], common: [BindableParameter] = [], isComplete: Bool = true,
        fit: @escaping @Sendable (_ parameter: Int, _ written: String) -> ParameterFit
    ) {
        parameters = own + common
        ownCount = own.count
        self.isComplete = isComplete
        self.fit = fit
    }

    /// Returns the parameters that a written name may refer to: the one with that name or alias, otherwise all that it
    /// abbreviates. A single parameter of the command's own takes precedence over common ones.
    package func match(_ written: String) -> [Int] {
        let folded = ASCIIFold.lowercased(written)
        guard !folded.isEmpty else { return [] }
        var begun: [Int] = []
        var alias: Int?
        for index in parameters.indices {
            switch fit(index, folded) {
            case .name: return [index]
            case .alias: alias = alias ?? index
            case .abbreviation:
                let identity = parameters[index].identity
                if !begun.contains(where: { parameters[$0].identity == identity }) { begun.append(index) }
            case .none: break
            }
        }
        if let alias { return [alias] }
        if isComplete, begun.count > 1, begun[0] < ownCount, begun[1] >= ownCount { return [begun[0]] }
        return begun
    }

    /// Pairs each name with the value that follows it, unless the name is a switch.
    /// - Parameter takesStrangers: whether a word that looks like a name but isn't one becomes the value where one is
    ///   expected.
    package func pairs(_ words: [ArgumentWord], takesStrangers: Bool = false) -> [ArgumentPair] {
        var pairs: [ArgumentPair] = []
        pairs.reserveCapacity(words.count)
        var word = 0
        while word < words.count {
            let first = word
            word += 1
            guard case .name(let written, let isTied) = words[first] else {
                pairs.append(ArgumentPair(word: first, written: nil, candidates: [], value: first))
                continue
            }
            let candidates = match(written)
            var value = isTied ? first : nil
            let isSwitch = candidates.count == 1 && parameters[candidates[0]].isSwitch
            if !isTied, !isSwitch, word < words.count {
                switch words[word] {
                case .value:
                    value = word
                    // A parameter that may be a switch leaves the value for the positions as well.
                    if candidates.count == 1 || !candidates.contains(where: { parameters[$0].isSwitch }) { word += 1 }
                case .name(let next, false):
                    guard takesStrangers, match(next).isEmpty else { break }
                    value = word
                    word += 1
                case .name, .apart: break
                }
            }
            pairs.append(ArgumentPair(word: first, written: written, candidates: candidates, value: value))
        }
        return pairs
    }

    /// Returns the parameters that the next positional value may be for: those at the first free position.
    /// - Parameters:
    ///   - sets: the parameter sets that are still possible; 0 when unknown.
    ///   - isTaken: whether a parameter already has its value.
    package func nextPositional(in sets: Int = 0, isTaken: (Int) -> Bool) -> [Int] {
        var found: [Int] = []
        var lowest = Int.max
        for index in 0..<ownCount {
            let parameter = parameters[index]
            guard parameter.position >= 0, parameter.position <= lowest, !parameter.isSwitch,
                sets == 0 || parameter.sets == 0 || parameter.sets & sets != 0, !isTaken(index)
            else { continue }
            if parameter.position < lowest { found = [] }
            lowest = parameter.position
            found.append(index)
        }
        return found
    }
}

/// The properties of a command's parameter that binding depends on.
package struct BindableParameter: Sendable {
    /// Whether the parameter takes a value only when a colon attaches it.
    package let isSwitch: Bool
    /// The position for values without a name; -1 for none.
    package let position: Int
    /// The parameter sets that the parameter belongs to, one bit each; 0 for all of them, or when unknown.
    package let sets: Int
    /// The parameter's identity: entries of a parameter whose position differs by set share it.
    package let identity: Int

    /// Creates a parameter.
    package init(isSwitch: Bool, position: Int, sets: Int = 0, identity: Int) {
        self.isSwitch = isSwitch
        self.position = position
        self.sets = sets
        self.identity = identity
    }
}

/// How a written name matches a parameter.
package enum ParameterFit: Sendable {
    case name, alias, abbreviation, none

    /// Matches a written name, with its ASCII letters in lower case, against a parameter's name and aliases.
    package init(_ written: String, name: String, aliases: [String]) {
        if ASCIIFold.equal(name, written) {
            self = .name
        } else if aliases.contains(where: { ASCIIFold.equal($0, written) }) {
            self = .alias
        } else if ASCIIFold.hasPrefix(name, written) || aliases.contains(where: { ASCIIFold.hasPrefix($0, written) }) {
            self = .abbreviation
        } else {
            self = .none
        }
    }
}

/// The kind of a word after a command's name. The binder needs no values.
package enum ArgumentWord: Sendable {
    /// `-Name`, with or without a value attached by a colon.
    case name(String, isTied: Bool)
    /// A value, for the preceding name or by position.
    case value
    /// A value that never belongs to the preceding name.
    case apart
}

/// A parameter with its value, or a positional value.
package struct ArgumentPair: Sendable {
    /// The index of the first word.
    package let word: Int
    /// The name as written; `nil` for a positional value.
    package let written: String?
    /// The parameters that the name may refer to, as indices into the table.
    package let candidates: [Int]
    /// The index of the word that holds the value, possibly the first word itself; `nil` for a switch, or where no
    /// value follows.
    package let value: Int?
}

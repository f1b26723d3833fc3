/// Binds what stands behind a command's name to the parameters of its table, as PowerShell does: by name, alias or
/// abbreviation, and by place for what is left.
///
/// The guard judges by it and the native engine runs by it, so that what is judged is what is run. It decides nothing
/// that the text leaves open: where a name may mean several parameters, they all are told.
package struct ParameterBinder: Sendable {
    /// The parameters: those of the command, then those of every command.
    private let parameters: [BindableParameter]
    private let ownCount: Int
    private let isComplete: Bool
    private let fit: @Sendable (_ parameter: Int, _ written: String) -> ParameterFit

    /// A binder for one command.
    /// - Parameters:
    ///   - own: the parameters of the command.
    ///   - common: the parameters of every command, which the table numbers behind its own.
    ///   - isComplete: whether the command has no others, so that what abbreviates one of its own means that one.
    ///   - fit: how a written name, its ASCII letters in lower case, fits a parameter.
    package init(
        own: [BindableParameter], common: [BindableParameter] = [], isComplete: Bool = true,
        fit: @escaping @Sendable (_ parameter: Int, _ written: String) -> ParameterFit
    ) {
        parameters = own + common
        ownCount = own.count
        self.isComplete = isComplete
        self.fit = fit
    }

    /// The parameters that a written name may mean: the one of that name or alias, else all that it abbreviates. The
    /// common ones give way to a single one of the command's own.
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

    /// Gives each name the value that follows it, unless it is that of a switch.
    /// - Parameter takesStrangers: whether a word that looks like a name and is none becomes the value where one is wanted.
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
                    // What may be a switch leaves its value to the places too.
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

    /// The parameters that the next value without a name may be for: those at the first place that is free.
    /// - Parameters:
    ///   - sets: the sets that are still possible; 0 where nobody knows.
    ///   - isTaken: whether a parameter has its value.
    package func nextPlace(in sets: Int = 0, isTaken: (Int) -> Bool) -> [Int] {
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

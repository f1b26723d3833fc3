/// What each command of a script reads: by its own redirections, by those of the loops, groups and subshells around it, and by
/// what an `exec` before it opened.
extension ShellParser {
    /// A compound command with redirections.
    struct Compound {
        /// The first command within it.
        var first: Int
        /// The command that holds its redirections, behind those within it.
        var end: Int
    }

    /// A compound command that is being read, with what its commands read unless they say otherwise.
    private struct Scope {
        var end: Int
        var inputs: [Int: ShellScript.Input]
    }

    /// Descriptors above it are opened by no `exec` or compound command that people write: each command behind one would carry them.
    private static let highestDescriptor = 255

    /// Writes into each command what it reads.
    mutating func resolveInputs() throws(ShellRefusal) {
        // Outer ones first, where several begin at the same place.
        let compounds = redirected.sorted { $0.first != $1.first ? $0.first < $1.first : $0.end > $1.end }
        var waiting = compounds[...]
        var scopes = [Scope(end: .max, inputs: [:])]
        for index in script.commands.indices {
            while let last = scopes.last, last.end <= index {
                scopes.removeLast()
            }
            while let next = waiting.first, next.first == index {
                waiting.removeFirst()
                guard next.end > index, let around = scopes.last else { continue }
                let opened = Self.applied(script.commands[next.end].redirections, to: around.inputs)
                try check(opened, at: script.commands[next.end].offset)
                scopes.append(Scope(end: next.end, inputs: opened))
            }
            var inputs = scopes[scopes.count - 1].inputs
            if script.commands[index].readsPipe { inputs[0] = .output }
            inputs = Self.applied(script.commands[index].redirections, to: inputs)
            script.commands[index].inputs = inputs
            guard script.commands[index].words.map(\.value) == ["exec"] else { continue }
            try check(inputs, at: script.commands[index].offset)
            // It holds in the loops and groups around it, too. Whether it is reached, and in which process, nobody can say: what was
            // open already may be read as well.
            for scope in scopes.indices {
                scopes[scope].inputs.merge(inputs) { before, now in before == now ? now : .output }
            }
        }
        feedFunctions()
    }

    private func check(_ inputs: [Int: ShellScript.Input], at offset: Int) throws(ShellRefusal) {
        guard inputs.keys.allSatisfy({ $0 <= Self.highestDescriptor }) else {
            throw refusal("a descriptor above \(Self.highestDescriptor)", at: offset)
        }
    }

    /// What is read after some redirections.
    private static func applied(
        _ redirections: [ShellScript.Redirection], to before: [Int: ShellScript.Input]
    ) -> [Int: ShellScript.Input] {
        var inputs = before
        for redirection in redirections {
            let target = redirection.target
            switch redirection.kind {
            case .input, .readWrite:
                let isStream =
                    target.value == "<()" || target.value.hasPrefix("/dev/tcp/") || target.value.hasPrefix("/dev/udp/")
                inputs[redirection.descriptor] = isStream ? .output : .file(target)
            case .hereString: inputs[redirection.descriptor] = .text(target.value, isFixed: target.isFixed)
            case .hereDocument:
                let text = redirection.text ?? ""
                let isFixed =
                    target.isQuoted || !text.utf8.contains { $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "`") }
                inputs[redirection.descriptor] = .text(text, isFixed: isFixed)
            case .duplicate, .duplicateInput:
                if redirection.namesDescriptor {
                    inputs[redirection.descriptor] = Int(target.value).flatMap { inputs[$0] }
                } else if redirection.kind == .duplicateInput {
                    // A descriptor that a variable names may be anything.
                    inputs[redirection.descriptor] = .output
                }
            case .output, .append: inputs[redirection.descriptor] = nil
            }
        }
        return inputs
    }

    /// What a function is given its commands read: which of them belong to it nobody needs to know.
    private mutating func feedFunctions() {
        let functions = Set(script.functions)
        guard !functions.isEmpty,
            script.commands.contains(where: { functions.contains($0.name) && $0.inputs[0] != nil })
        else { return }
        for index in script.commands.indices where script.commands[index].inputs[0] == nil {
            script.commands[index].inputs[0] = .output
        }
    }
}

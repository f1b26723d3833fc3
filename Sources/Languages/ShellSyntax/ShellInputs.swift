/// Determines the inputs of each command: from its own redirections, from those of the loops, groups and subshells
/// around it, and from the descriptors that an earlier `exec` opened.
extension ShellParser {
    /// A compound command with redirections.
    struct Compound {
        /// The first command within it.
        var first: Int
        /// The index of the command that holds its redirections, after the commands within it.
        var end: Int
    }

    /// A compound command that is being processed, with the inputs that its commands inherit.
    private struct Scope {
        var end: Int
        var inputs: [Int: ShellScript.Input]
    }

    /// The limit for descriptors that `exec` and compound commands may open. People don't write higher ones, and each
    /// later command would have to carry them.
    private static let highestDescriptor = 255

    /// Sets the inputs of each command.
    mutating func resolveInputs() throws(ShellRefusal) {
        // If several begin at the same command, the outer one comes first.
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
            // The `exec` also affects the loops and groups around it. It isn't known whether it is reached, and in
            // which process, so the descriptors that were open before may be read as well.
            for scope in scopes.indices {
                scopes[scope].inputs.merge(inputs) { before, now in before == now ? now : .output }
            }
        }
        script.feedFunctions()
    }

    private func check(_ inputs: [Int: ShellScript.Input], at offset: Int) throws(ShellRefusal) {
        guard inputs.keys.allSatisfy({ $0 <= Self.highestDescriptor }) else {
            throw refusal("a descriptor above \(Self.highestDescriptor)", at: offset)
        }
    }

    /// Returns the inputs after some redirections.
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
                    // A descriptor whose number is in a variable may be any one.
                    inputs[redirection.descriptor] = .output
                }
            case .output, .append: inputs[redirection.descriptor] = nil
            }
        }
        return inputs
    }
}

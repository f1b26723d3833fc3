/// The functions that a text defines, and what their calls mean for the commands within them.
extension ShellScript {
    /// A function that a text defines.
    package struct Function: Sendable, Hashable {
        /// The function's name.
        package var name: String
        /// The indices of the commands of its body, or of more where its end isn't certain.
        package internal(set) var body: Range<Int>
    }

    /// Who calls whom.
    private struct Calls {
        /// The functions of each name, by index.
        var named: [String: [Int]] = [:]
        /// The commands of each function, without those of functions that it defines.
        var commands: [[Int]]
        /// The function that each command belongs to.
        var owners: [Int?]

        init(_ script: ShellScript) {
            commands = Array(repeating: [], count: script.functions.count)
            owners = Array(repeating: nil, count: script.commands.count)
            for (index, function) in script.functions.enumerated() { named[function.name, default: []].append(index) }
            // If several begin at the same command, the outer one comes first, which was also defined first.
            let order = script.functions.indices.sorted { left, right in
                let (one, other) = (script.functions[left].body, script.functions[right].body)
                return (one.lowerBound, -one.upperBound, left) < (other.lowerBound, -other.upperBound, right)
            }
            var waiting = order[...]
            var open: [Int] = []
            for command in script.commands.indices {
                while let next = waiting.first, script.functions[next].body.lowerBound <= command {
                    open.append(next)
                    waiting.removeFirst()
                }
                while let last = open.last, script.functions[last].body.upperBound <= command { open.removeLast() }
                guard let owner = open.last else { continue }
                owners[command] = owner
                commands[owner].append(command)
            }
        }
    }

    /// Marks the commands of a function as reading unknown input if the function is called with input.
    mutating func feedFunctions() {
        guard !functions.isEmpty else { return }
        let calls = Calls(self)
        var known = Set(commands.filter { $0.inputs[0] != nil && calls.named[$0.name] != nil }.map(\.name))
        var fed = Array(known)
        while let name = fed.popLast() {
            for index in (calls.named[name] ?? []).flatMap({ calls.commands[$0] })
            where commands[index].inputs[0] == nil {
                commands[index].inputs[0] = .output
                let called = commands[index].name
                if calls.named[called] != nil, known.insert(called).inserted { fed.append(called) }
            }
        }
    }

    /// Whether each command stands in the body of a function.
    package var isInFunction: [Bool] {
        var changes = Array(repeating: 0, count: commands.count + 1)
        for function in functions {
            changes[function.body.lowerBound] += 1
            changes[function.body.upperBound] -= 1
        }
        var open = 0
        return commands.indices.map { index in
            open += changes[index]
            return open > 0
        }
    }

    /// The calls by which a function starts itself, whatever functions stand between.
    package var selfCalls: Set<Int> {
        guard !functions.isEmpty else { return [] }
        let calls = Calls(self)
        // A call leads to every function of its name: names are counted, because there may be thousands of each.
        var left = calls.named.mapValues(\.count)
        var callers: [String: [Int]] = [:]
        var callees = Array(repeating: Set<String>(), count: functions.count)
        for (caller, within) in calls.commands.enumerated() {
            callees[caller] = Set(within.map { commands[$0].name }.filter { left[$0] != nil })
            for callee in callees[caller] { callers[callee, default: []].append(caller) }
        }
        // What calls none of those that are left comes to an end.
        var ending = functions.indices.filter { callees[$0].isEmpty }
        while let function = ending.popLast() {
            let name = functions[function].name
            left[name, default: 0] -= 1
            guard left[name] == 0 else { continue }
            for caller in callers[name] ?? [] {
                callees[caller].remove(name)
                if callees[caller].isEmpty { ending.append(caller) }
            }
        }
        return Set(
            commands.indices.filter { index in
                calls.owners[index].map { !callees[$0].isEmpty } == true && left[commands[index].name, default: 0] > 0
            })
    }
}

/// The functions of the text that is being parsed.
extension ShellParser {
    /// Notes that the definition of a function begins. Its body is the next construct that ends.
    mutating func define(_ name: String, _ list: inout List) {
        let start = script.commands.count
        list.defined.append((script.functions.count, list.openings.count))
        script.functions.append(ShellScript.Function(name: name, body: start..<start))
    }

    /// Notes that a construct has ended, and so have the bodies that don't reach beyond it.
    mutating func endBodies(_ list: inout List, isLast: Bool = false) {
        while let last = list.defined.last, isLast || last.depth >= list.openings.count {
            list.defined.removeLast()
            let start = script.functions[last.function].body.lowerBound
            script.functions[last.function].body = start..<script.commands.count
        }
    }
}

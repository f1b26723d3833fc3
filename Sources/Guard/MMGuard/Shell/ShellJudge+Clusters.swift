import MMCore
import ShellSyntax

/// The judging of commands for containers and clusters.
extension ShellJudge {
    /// Returns whether a command within walls removes only what this machine's containers are made from and made again:
    /// named containers, images and networks, or those that nothing uses. Volumes hold data.
    static func removesMadeAgain(_ call: ShellScript.Command) -> Bool {
        if reachesOtherEngine(call) { return false }
        var verbs = call.arguments.map(\.value).filter { !$0.hasPrefix("-") }
        let isProject = verbs.first == "compose" || call.program == "docker-compose"
        if verbs.first == "compose" { verbs.removeFirst() }
        let kind = ["container", "image", "network", "builder"].contains(verbs.first) ? verbs.removeFirst() : ""
        let letters = call.arguments.map(\.value).filter { $0.hasPrefix("-") }
        // What it takes down is made again from the project's file, apart from volumes and images.
        if isProject, verbs.contains("down") {
            return !letters.contains { $0 == "-v" || $0.hasPrefix("--vol") || $0.hasPrefix("--rmi") }
        }
        guard let verb = verbs.first, ["rm", "rmi", "kill", "prune", "remove"].contains(verb),
            letters.allSatisfy({ ["-f", "--force", "-s", "--stop", "-fs", "-sf"].contains($0) })
        else { return false }
        if isProject { return verb != "prune" }
        // Whatever else the shell puts in place of a word may be all that there is.
        return verb == "prune"
            ? !kind.isEmpty && verbs.count == 1
            : verbs.count > 1 && call.arguments.allSatisfy { $0.isFixed && !$0.value.contains("{}") }
    }

    /// Returns whether a container client is told to use the engine of another machine.
    static func reachesOtherEngine(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value).prefix { $0.hasPrefix("-") || $0.contains("://") || $0.contains("=") }
        let named = call.arguments.prefix(words.count + 1).map(\.value)
        let values = zip(named, named.dropFirst()).filter { ["-H", "--host", "--context", "-c"].contains($0.0) }.map(
            \.1)
        let all = call.arguments.map(\.value)
        let joined =
            words.filter { $0.hasPrefix("--host=") } + all.filter { $0.hasPrefix("--context=") }
            + zip(all, all.dropFirst()).filter { $0.0 == "--context" }.map(\.1)
        let set = call.assignments.map(\.value).filter {
            $0.hasPrefix("DOCKER_HOST=") || $0.hasPrefix("DOCKER_CONTEXT=")
        }
        return (values + joined + set).contains { value in
            let value = value.split(separator: "=").last.map(String.init) ?? value
            return !["default", "desktop-linux", "rootless"].contains(value) && !value.hasPrefix("unix:")
                && !["localhost", "127.0.0.1"].contains(where: value.contains)
        }
    }

    /// Returns the rule for a use of a container client that only makes something here, by what it gives the container.
    static func containers(_ words: [String]) -> ShellRule {
        // These groups concern all machines of a swarm, or what the engine runs with.
        if ShellPrograms.verbs(words).first.map({ ShellWords.contains($0, in: "container-groups") }) == true {
            return .managed
        }
        if words.contains(where: { $0.contains("push=true") || $0.contains("type=registry") }) { return .network }
        let values = zip(words, words.dropFirst() + [""]).compactMap { word, next in
            ["-v", "--volume", "--mount"].contains(word)
                ? next : ["-v/", "--volume=", "--mount="].contains(where: word.hasPrefix) ? word : nil
        }
        return values.contains(where: isMachine) ? .rights : .writes
    }

    /// Returns the rule for the words of `ip`: an object and a verb, either of which may be abbreviated. It can also
    /// read commands from a file.
    static func addresses(_ words: [String]) -> ShellRule {
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("-") {
            // The words behind it may belong to the value of a variable.
            if first == ShellLooks.anyOption { return .rights }
            if first.hasPrefix("-b"), first != "-br", first != "-brief" { return .rights }
            rest = rest.dropFirst(
                ["-n", "-netns", "-f", "-family", "-rc", "-rcvbuf", "-l", "-loops"].contains(first) ? 2 : 1)
        }
        guard let verb = rest.dropFirst().first else { return .reads }
        // What stands behind it is what is shown.
        if let object = rest.first, object.hasPrefix("mo"), "monitor".hasPrefix(object) { return .reads }
        // Only for `link` does this abbreviation mean `set`.
        if rest.first.map({ "link".hasPrefix($0) }) == true, "set".hasPrefix(verb) { return .rights }
        let looks = ["show", "list", "lst", "get", "help", "monitor", "identify", "pids"]
        return looks.contains { $0.hasPrefix(verb) } ? .reads : .rights
    }

    /// Returns whether a mount gives a container the machine's own files, or its engine's socket.
    private static func isMachine(_ value: String) -> Bool {
        let sources = value.split(separator: ",").compactMap { part -> Substring? in
            for start in ["--volume=", "--mount=", "source=", "src=", "-v"] where part.hasPrefix(start) {
                return part.dropFirst(start.count)
            }
            return ["/", "~", "$HOME"].contains(where: part.hasPrefix) ? part : nil
        }
        return sources.contains { source in
            let path = source.prefix { $0 != ":" }
            return path == "/" || path.hasSuffix("docker.sock") || ShellJudge.isKeyFolder(String(path))
                || ["/etc", "/root", "/home", "/usr", "/boot", "/dev", "/proc", "/sys", "/var"].contains {
                    path == $0 || path.hasPrefix($0 + "/") && $0 != "/home"
                }
        }
    }
}

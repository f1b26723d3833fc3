internal import MMCore
import ShellSyntax

/// What clients only bring here, and the programs that others hand their words to.
extension ShellJudge {
    /// Returns whether a client only fetches something to a place where a file may be made without a question: `gh run
    /// download 5 -D /tmp/a`, `rclone copy remote:b ./data`, `scp web1:/var/log/x .`.
    func brings(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        guard ShellWords.contains(call.program, in: "bringers"),
            !words.contains(where: { word in
                let option = String(word.prefix { $0 != "=" })
                return ShellWords.contains(option, in: "bringers-starting")
                    || word.hasPrefix("--") && WordMeaning.value(of: option).map { $0 != .output } == true
            })
        else { return false }
        let places = Self.values(ofOptions: "bringing-places", words)
        var operands = words.filter { !$0.hasPrefix("-") && !places.contains($0) }
        // Programs that do nothing but copy have no verb, and their settings may start another program.
        let copies = ["scp", "rsync", "sftp"].contains(call.program)
        if copies, words.contains(where: { $0.hasPrefix("-o") }) { return false }
        if !copies {
            guard let verb = operands.prefix(3).firstIndex(where: { ShellWords.contains($0, in: "bringing-verbs") })
            else { return false }
            let isEither = ["copy", "copyto", "cp"].contains(operands[verb])
            operands.removeSubrange(...verb)
            if !isEither, !places.isEmpty { return places.allSatisfy { isNearby($0) && !mayBeHome($0) } }
        }
        guard operands.count > 1, let place = operands.last else { return false }
        // A folder's content would come without the folder.
        let isContent = call.program == "rclone" || words.contains("--recursive") || words.contains("sync")
        return isNearby(place)
            && operands.dropLast().allSatisfy { source in
                Self.isStored(source, byAlias: call.program == "mc")
                    && (!mayBeHome(place) || !isContent && Self.namesOne(source))
            }
    }

    /// Returns whether a place without walls is a home, or may be one.
    private func mayBeHome(_ place: String) -> Bool {
        !context.hasWalls && (isHome(place) || [".", "./"].contains(place))
    }

    /// Returns whether a source is one file or folder whose name is known and isn't hidden.
    private static func namesOne(_ source: String) -> Bool {
        guard let name = source.split(omittingEmptySubsequences: false, whereSeparator: { "/:".contains($0) }).last
        else { return false }
        return !name.isEmpty && !name.hasPrefix(".") && !name.contains { "*?[{$`".contains($0) }
    }

    /// Returns the place of the machine, rather than of a home, that an option tells a client to fetch something to.
    func bringsOver(_ call: ShellScript.Command) -> String? {
        let words = call.arguments.map(\.value)
        guard ShellWords.contains(call.program, in: "bringers"),
            ShellPrograms.verbs(words).prefix(3).contains(where: { ShellWords.contains($0, in: "bringing-verbs") })
        else { return nil }
        return Self.values(ofOptions: "bringing-places", words).first(where: isOfMachine)
    }

    /// Returns whether a word names something on another machine, or an object of a store: `web1:/srv/x`, `s3://b/x`;
    /// for some clients as `alias/bucket/x`.
    private static func isStored(_ word: String, byAlias: Bool) -> Bool {
        !["/", ".", "~", "$"].contains(where: word.hasPrefix)
            && (word.contains(":") || byAlias && word.contains("/"))
    }

    /// Returns whether a place for what is fetched is a file or folder here that may be written.
    private func isNearby(_ place: String) -> Bool {
        let scheme = ShellWords.list("layout-schemes").first(where: place.hasPrefix) ?? ""
        let path = String(place.dropFirst(scheme.count))
        if path.isEmpty || path.hasPrefix("$(") || path.contains("/.") && !path.hasPrefix("../") { return false }
        // The engine's own images are this machine's.
        if ["docker-daemon:", "containers-storage:"].contains(scheme) { return context.hasWalls }
        guard !path.contains(":") || !scheme.isEmpty else { return false }
        return context.hasWalls
            ? !isOfMachine(path) : makesFreely(path) || isFree(path) && (!path.hasPrefix("/") || Self.isPassing(path))
    }

    /// Returns whether git only brings a repository to a home or a folder for temporary files, as a download does.
    func clones(_ words: [String]) -> Bool {
        guard words.first == "clone" else { return false }
        let operands = words.dropFirst().filter { !$0.hasPrefix("-") && !$0.allSatisfy(\.isNumber) }
        guard operands.count > 1, let place = operands.last, makesFreely(place) else { return false }
        return words.dropFirst().allSatisfy { word in
            !word.hasPrefix("-") || ShellWords.contains(String(word.prefix { $0 != "=" }), in: "git-clone-options")
        }
            && operands.contains { word in
                ["https://", "git@", "ssh://", "git://"].contains(where: word.hasPrefix)
            } && !operands.contains { $0.contains("::") || $0.hasPrefix("$") }
    }

    /// Returns the folder into which git clones a repository from an address, of its own or as a part of this one.
    func clone(by call: ShellScript.Command) -> String? {
        let words = call.arguments.map(\.value)
        let isPart = zip(words, words.dropFirst()).contains { $0 == ("submodule", "add") }
        guard call.program == "git", let verb = words.firstIndex(of: isPart ? "add" : "clone"),
            let address = words[verb...].firstIndex(where: { $0.contains("://") || $0.contains("@") })
        else { return nil }
        let named = words.dropFirst(address + 1).first { !$0.hasPrefix("-") }
        let name = ShellMemory.name(words[address])
        return context.path(named ?? (name.hasSuffix(".git") ? String(name.dropLast(4)) : name))
    }

    /// Returns whether a command in the sandbox runs or builds what has just been cloned, which nobody here has read:
    /// `git clone https://x.example/y && make -C y`.
    func runs(_ call: ShellScript.Command, of clone: String) -> Bool {
        guard context.hasWalls, !ShellPrograms.readers.contains(call.program),
            !ShellWords.contains(call.program, in: "movers"), !["cd", "pushd", "popd", "export"].contains(call.program)
        else { return false }
        func isInside(_ word: String) -> Bool {
            let path = context.path(word) ?? ""
            return path == clone || path.hasPrefix(clone + "/")
        }
        return context.directory.map(isInside) == true
            || call.words.contains { word in
                isInside(word.value) || isInside(String(word.value.drop { $0 != "=" }.dropFirst()))
            }
    }

    /// Returns the command of a client that a distribution of clusters has within it: `kubectl get pods` for `k3s
    /// kubectl get pods`.
    func client(within call: ShellScript.Command) -> ShellScript.Command? {
        guard ShellWords.contains(call.program, in: "client-givers"), call.words.count > 1,
            ShellWords.contains(call.words[1].value, in: "given-clients")
        else { return nil }
        let start = call.words.count > 2 && call.words[2].value == "--" ? 2 : 1
        var inside = call.inner(from: start)
        inside?.words[0].value = call.words[1].value
        return inside
    }

    /// Returns the command that a runner starts among the programs of a project, if it is a known one: `rails routes`
    /// for `bundle exec rails routes`. A name that nobody knows may be that of a script.
    func project(_ call: ShellScript.Command) -> ShellScript.Command? {
        let words = call.words.map(\.value)
        if let place = Self.package(in: words), !place.isFetched, let inside = call.inner(from: place.index),
            ShellLooks.row(inside.program) != nil || console(of: inside) != nil
                || ShellPrograms.readers.contains(inside.program) || Self.isInterpreter(inside.program)
        {
            return inside
        }
        guard ["symfony", "sail", "ddev", "lando"].contains(call.program), words.count > 1,
            ShellWords.contains(words[1], in: "project-consoles") || words[1] == "php"
        else { return nil }
        return call.inner(from: 1)
    }
}

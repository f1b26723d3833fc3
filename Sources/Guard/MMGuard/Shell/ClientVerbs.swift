import MMCore

/// Clients of services, clouds and stores, by the words that say what they do. A row matches if all its words occur in the command in
/// this order.
enum ClientVerbs {
    /// Returns the rule for a client's words; `nil` if nothing is known of them.
    static func rule(_ program: String, _ words: [String]) -> ShellRule? {
        let installs = words.first.map { ["install", "i", "add", "download"].contains($0) } ?? false
        if ["pip", "pip3", "npm", "yarn", "pnpm", "cargo", "gem", "poetry", "uv", "pdm", "bun"].contains(program),
            installs,
            words.contains(where: { $0.hasPrefix("git+") || $0.contains("://") || $0 == "--git" || $0 == "--source" })
        {
            return .software
        }
        if let rows = table[program] {
            let plain = words.map { $0.lowercased() }
            for row in rows where row.words.isEmpty || contains(plain, row.words) { return row.rule }
            return nil
        }
        let migrator = program.hasSuffix("-cli") ? String(program.dropLast(4)) : program
        if migrators.contains(migrator),
            words.contains(where: { word in
                unmaking.contains(word) || word.split(separator: ":").contains { unmaking.contains(String($0)) }
            })
        {
            return .removes
        }
        guard clouds.contains(program) else { return nil }
        let verbs = words.filter { !$0.hasPrefix("-") }.flatMap {
            $0.lowercased().split(separator: ":").map(String.init)
        }
        if verbs.contains(where: { word in
            removing.contains(word) || word.hasSuffix("clear") || removingStarts.contains(where: word.hasPrefix)
        }) {
            return .removes
        }
        if words.contains("--delete") || verbs.contains("rsync") && words.contains("-d") { return .removes }
        if verbs.contains(where: { handsOut.contains($0) }) || words.contains("--with-decryption") { return .secrets }
        if verbs.contains(where: { granting.contains($0) || grantingStarts.contains(where: $0.hasPrefix) }) {
            return .rights
        }
        return managed(program, words)
    }

    // MARK: Clouds

    /// Returns the rule for the verb of a cloud's client. Only verbs that are known to read, to fetch or to set up the client itself
    /// pass, because no list of the others would be complete.
    private static func managed(_ program: String, _ words: [String]) -> ShellRule? {
        var path = ShellPrograms.verbs(words).flatMap { $0.lowercased().split(separator: ":").map(String.init) }
        // For gcloud, `run` is the name of a product.
        if program == "gcloud", path.first == "run" { path.removeFirst() }
        if let copied = path.firstIndex(where: copying.contains), copiers.contains(program) {
            let operands = words.filter { !$0.hasPrefix("-") }
            let verb = operands.firstIndex { copying.contains($0.lowercased()) } ?? 0
            // The target follows the source; an option's value may stand there too.
            let targets = operands.dropFirst(verb + 2)
            let isOut =
                targets.isEmpty || program == "b2" || targets.contains { $0.contains("://") }
                || program == "mc" && targets.last?.contains("/") == true
            return isOut || path[copied] == "mv" ? .network : .writes
        }
        if path.contains(where: { $0.contains("credential") }) { return .secrets }
        if program == "heroku", path.first == "config" {
            return path.contains("set") || path.contains("unset") ? .managed : .secrets
        }
        if path.isEmpty, words.contains("--prod") || program == "vercel" && words.isEmpty { return .managed }
        if program == "vault", path.contains("read") || path.contains("get") { return .secrets }
        let shows = path.contains { showing.contains($0) }
        if shows, path.contains(where: keys.contains) { return .secrets }
        if path.contains("get"), path.contains(where: { $0.contains("secret_") || $0.contains("password") }) {
            return .secrets
        }
        if shows, path.contains("secret") || path.contains("secrets"), !path.contains("list") { return .secrets }
        if storing.contains(program), let first = path.first {
            let verb = nouns.contains(first) ? path.dropFirst().first ?? first : first
            if path.prefix(3).contains(where: changing.contains) { return .managed }
            let looks =
                isLook(verb) || ["stat", "info", "list"].contains(where: verb.hasSuffix)
                || lookingStarts.contains(where: verb.hasPrefix)
            return looks || making.contains(verb) ? nil : .managed
        }
        if local.contains(program) || path.isEmpty { return nil }
        if path.contains(where: changing.contains), path.first != "emulators" { return .managed }
        // `create-deployment` is such a verb, even if a reading verb matches too.
        let making: Set = ["create", "update", "add", "put", "set", "deploy", "upload", "modify", "register", "reset"]
        if path.contains(where: { $0.contains("-") && making.contains(String($0.prefix { $0 != "-" })) }) {
            return .managed
        }
        let looks = path.contains { word in looking.contains(word) || lookingStarts.contains(where: word.hasPrefix) }
        let isOwn = path.first.map {
            ["config", "configure", "auth", "login", "logout", "init", "account"].contains($0)
        }
        if program == "az", path.first == "rest" {
            return ShellJudge.uploads("curl", words) || words.contains("--body") ? .managed : nil
        }
        if path.contains(where: isLook), !changesFiles(words) { return .reads }
        return looks || isOwn == true ? nil : .managed
    }

    /// Development platforms on this machine, and stores whose verbs are in the lists above.
    private static let local: Set<String> = ["multipass", "vagrant", "minikube", "kind", "k3d", "bq"]
    /// Programs that manage a machine's disks, guests and queues; then the nouns before their verbs, and the verbs that only add something.
    private static let storing: Set<String> = [
        "zfs", "zpool", "btrfs", "virsh", "lxc", "incus", "VBoxManage", "rabbitmqctl", "etcdctl",
    ]
    private static let nouns: Set<String> = [
        "subvolume", "filesystem", "device", "property", "quota", "qgroup", "scrub", "balance", "image", "network",
        "storage",
        "profile", "project", "cluster", "remote", "file", "guestproperty", "config",
        "endpoint", "member", "user", "role", "lease", "alarm",
    ]
    private static let making: Set<String> = [
        "create", "snapshot", "clone", "bookmark", "scrub", "trim", "hold", "init", "launch", "pull", "dumpxml",
        "domblklist",
        "dominfo", "domstate", "domiflist", "nodeinfo", "usage", "df", "sync", "console", "put", "save", "health",
    ]
    private static let copying: Set<String> = [
        "cp", "mv", "sync", "rsync", "copy", "put", "mirror", "upload", "upload-file",
    ]
    private static let copiers: Set<String> = ["aws", "gsutil", "gcloud", "s3cmd", "mc", "azcopy", "b2", "oci", "bq"]
    private static let showing: Set<String> = ["show", "list", "get", "create", "renew", "download", "view", "export"]
    private static let keys: Set<String> = [
        "keys", "credential", "credentials", "password", "passwords", "connection-string", "sas",
        "access-key", "access-keys", "token", "tokens", "appsettings", "publishing-credentials", "publishing-profiles",
    ]
    private static let changing: Set<String> = [
        "stop", "start", "restart", "run", "run-command", "exec", "invoke", "send-command", "kill", "scale", "update",
        "set-policy", "enable", "disable", "import", "restore", "failover", "promote", "attach", "detach", "assign",
        "issue",
    ]
    private static let looking: Set<String> = [
        "ls", "info", "head", "tail", "log", "logs", "version", "help", "whoami", "plan", "diff", "preview", "status",
        "stat",
        "du", "cat", "ps", "top", "stats", "watch", "wait", "events", "history", "scan", "query", "synth", "dev",
        "offline",
        "emulators", "serve", "build", "lint", "fmt", "test", "doctor", "login", "logout", "listen", "inspect", "apps",
        "services", "releases", "addons", "domains", "regions", "graph", "open", "template", "package",
        "what-if", "exists", "members", "analyze", "read",
    ]
    private static let lookingStarts = [
        "list", "get", "describe", "show", "search", "lookup", "validate", "estimate", "preview", "check", "filter",
        "view",
    ]

    /// Returns whether a word only says that something is shown.
    private static func isLook(_ word: String) -> Bool {
        ["ls", "info", "version", "whoami", "status", "events", "history", "get-caller-identity"].contains(word)
            || ["list", "describe", "show"].contains(where: word.hasPrefix)
            || ["-status", "-info", "_status"].contains(where: word.hasSuffix)
    }

    /// Returns whether options name a file to write, or settings that make the client start a program.
    private static func changesFiles(_ words: [String]) -> Bool {
        words.contains { word in
            ["-o", "--out", "--output-file", "--outfile"].contains(word) && !word.hasPrefix("--output=")
                || ["--config", "--kubeconfig", "--profile", "--endpoint", "--file"].contains(where: word.hasPrefix)
        }
    }

    /// Returns whether a program manages a cloud or platform.
    static func isCloud(_ program: String) -> Bool { clouds.contains(program) || table[program] != nil }

    /// Returns whether a client reads the same words, one command per line, from its input.
    static func readsLines(_ program: String) -> Bool { ["redis-cli", "etcdctl", "mc"].contains(program) }

    /// The programs that manage clouds and platforms.
    private static let clouds: Set<String> = [
        "aws", "az", "gcloud", "gsutil", "bq", "doctl", "hcloud", "linode-cli", "oci", "ibmcloud", "aliyun", "flyctl",
        "fly", "heroku", "vercel", "netlify", "wrangler", "firebase", "supabase", "eb", "cf", "scw", "exo", "openstack",
        "nova", "s3cmd", "mc", "azcopy", "b2", "vault", "consul", "nomad", "etcdctl", "rabbitmqctl", "virsh", "lxc",
        "incus", "multipass", "vagrant", "VBoxManage", "zfs", "zpool", "btrfs", "pulumi", "cdk", "serverless", "sls",
        "terragrunt", "eksctl", "kops", "argocd", "flux", "velero", "rancher", "minikube", "kind", "k3d", "okta",
        "auth0", "stripe", "m365", "pac", "databricks", "istioctl", "linkerd", "helmfile", "packer", "confluent",
        "atlas",
        "pscale", "turso", "railway", "dokku", "twilio", "sendgrid", "slack",
    ]
    /// Programs that migrate the tables of a database, then the verbs that revert migrations, which removes data.
    private static let migrators: Set<String> = [
        "flyway", "alembic", "prisma", "liquibase", "sequelize", "knex", "typeorm", "goose", "dbmate", "sqlx", "diesel",
        "atlas", "sqitch", "yoyo", "migrate", "drizzle-kit", "rails", "mikro-orm",
    ]
    private static let unmaking: Set<String> = [
        "clean", "downgrade", "reset", "rollback", "undo", "fresh", "drop", "down", "revert", "redo", "rollback:all",
        "db:drop", "db:reset", "schema:drop", "dropAll", "drop-all",
    ]
    private static let removing: Set<String> = [
        "delete", "destroy", "remove", "rm", "rb", "terminate", "purge", "drop", "down", "undefine", "unregistervm",
        "del",
        "apps:destroy", "reset", "force_reset", "detach-disk", "deallocate", "up", "deploy", "apply", "rollback",
        "wipe",
        "pg:reset", "nuke", "forget_cluster_node",
    ]
    private static let removingStarts = [
        "delete-", "terminate-", "remove-", "destroy-", "purge-", "deregister-", "delete_", "purge_", "batch-delete",
        "stop-instances",
        "batch-remove", "firestore:delete",
    ]
    private static let handsOut: Set<String> = [
        "get-secret-value", "get-login-password", "get-session-token", "export-credentials", "print-access-token",
        "get-access-token", "print-identity-token", "get-parameters-by-path", "list-keys", "show-connection-string",
        "get-authorization-token", "get-federation-token", "get-role-credentials", "assume-role", "decrypt", "presign",
    ]
    private static let granting: Set<String> = [
        "add-iam-policy-binding", "set-iam-policy", "role", "put-bucket-policy", "put-bucket-acl",
    ]
    private static let grantingStarts = [
        "attach-user", "attach-role", "attach-group", "put-user-policy", "put-role", "create-access-key", "create-user",
        "create-role",
        "create-login", "authorize-security", "add-user-to",
    ]

    private static func row(_ words: String, _ rule: ShellRule) -> (words: [String], rule: ShellRule) {
        (words.split(separator: " ").map(String.init), rule)
    }

    private static let plans = [
        row("plan", .writes), row("apply -help", .reads), row("apply", .removes), row("destroy", .removes),
        row("state rm", .removes), row("state push", .removes), row("state pull", .secrets),
        row("workspace delete", .removes),
        row("force-unlock", .removes), row("import", .managed), row("taint", .managed), row("untaint", .managed),
        row("state mv", .managed), row("refresh", .managed), row("output", .reads),
    ]

    private static let cluster = [
        row("get --raw", .managed),
        row("get secret -o", .secrets), row("get secrets -o", .secrets), row("config view --raw", .secrets),
        row("create token", .secrets), row("create clusterrolebinding", .rights), row("create rolebinding", .rights),
        row("create clusterrole", .rights), row("create role", .rights), row("scale --replicas=0", .removes),
        row("scale --replicas 0", .removes),
        row("replace --force", .removes),
    ]
    private static let packages = [
        row("uninstall", .software), row("install --index-url", .software), row("install -i", .software),
        row("install --extra-index-url", .software), row("install --break-system-packages", .software),
        row("install --trusted-host", .software), row("config set global.index-url", .software),
        row("config set global.extra-index-url", .software),
    ]

    private static let table: [String: [(words: [String], rule: ShellRule)]] = [
        "terraform": plans, "tofu": plans,
        "finger": [row("", .network)], "sshfs": [row("", .network)],
        "smbclient": [row("-L", .reads), row("", .network)],
        "whois": [row("-h", .network), row("--host", .network), row("-p", .network), row("", .reads)],
        "lp": [row("-h", .network), row("", .writes)],
        "cancel": [row("-a", .removes), row("-h", .network), row("", .writes)], "lpr": [row("-h", .network)],
        "hping3": [row("--file", .network), row("-e", .network), row("--flood", .network), row("--listen", .network)],
        "ab": [row("-p", .network), row("-u", .network)],
        "mosquitto_pub": [row("", .network)], "wormhole": [row("send", .network)], "ffsend": [row("upload", .network)],
        "busctl": [
            row("call", .rights), row("set-property", .rights), row("emit", .rights), row("--address", .dynamic),
            row("", .reads),
        ],
        "dbus-send": [row("", .rights)],
        "tailscale": [
            row("status", .reads), row("ip", .reads), row("netcheck", .reads), row("version", .reads),
            row("whois", .reads), row("ping", .reads), row("", .network),
        ],
        "gdbus": [row("introspect", .reads), row("monitor", .reads), row("", .rights)],
        "dhclient": [row("", .rights)], "mkcert": [row("-install", .rights), row("-uninstall", .rights)],
        "redis-cli": [
            row("flushall", .removes), row("flushdb", .removes), row("shutdown", .removes), row("del", .removes),
            row("unlink", .removes), row("getdel", .removes), row("config set", .rights),
            row("config rewrite", .rights),
            row("module", .rights), row("acl", .rights), row("eval", .dynamic), row("script", .dynamic),
            row("replicaof", .rights), row("slaveof", .rights), row("debug", .rights), row("failover", .rights),
            row("--eval", .dynamic), row("--pipe", .fed), row("restore", .writes), row("xtrim", .removes),
            row("ltrim", .removes),
        ],
        "kubectl": cluster, "oc": cluster + [row("whoami -t", .secrets)],
        "helm": [
            row("--dry-run", .reads), row("install", .managed), row("upgrade", .managed), row("rollback", .managed),
            row("uninstall", .removes), row("delete", .removes), row("push", .network),
        ],
        "npm": [
            row("publish", .network), row("unpublish", .removes), row("deprecate", .network), row("dist-tag", .network),
            row("owner add", .rights), row("owner rm", .rights), row("token revoke", .rights), row("team add", .rights),
            row("team rm", .rights), row("team create", .rights),
            row("access list", .reads), row("access", .rights),
            row("token create", .secrets), row("config set registry", .software),
            row("config set script-shell", .loader), row("uninstall -g", .software), row("set registry", .software),
            row("set script-shell", .loader),
            row("install -g", .software), row("i -g", .software), row("install --global", .software),
            row("rm -g", .software), row("uninstall --global", .software),
        ],
        "bun": [row("publish", .network)], "deno": [row("publish", .network)],
        "yarn": [
            row("publish", .network), row("global remove", .software), row("config set npmregistryserver", .software),
            row("config set registry", .software), row("config set yarnpath", .loader),
        ],
        "pnpm": [row("publish", .network), row("remove -g", .software)],
        "cargo": [
            row("publish", .network), row("yank", .network), row("owner --list", .reads), row("owner", .rights),
            row("uninstall", .software),
            row("install --git", .software),
        ],
        "conda": [row("remove", .software), row("uninstall", .software)],
        "mamba": [row("remove", .software), row("uninstall", .software)],
        "composer": [row("global", .software)],
        "gem": [
            row("update --system", .software), row("push", .network), row("yank", .network),
            row("uninstall", .software),
        ],
        "twine": [row("upload", .network)], "poetry": [row("publish", .network)], "uv": [row("publish", .network)],
        "pip": packages, "pip3": packages,
        "age": [row("-d", .secrets), row("--decrypt", .secrets)],
        "doppler": [row("secrets", .secrets)],
        "sops": [row("-d", .secrets), row("--decrypt", .secrets), row("decrypt", .secrets)],
        "ansible-vault": [row("view", .secrets), row("decrypt", .secrets)],
        "keyring": [row("get", .secrets), row("del", .removes)], "gopass": [row("ls", .reads), row("", .secrets)],
        "lpass": [row("show", .secrets), row("export", .secrets)],
        "fossil": [row("clean", .removes), row("revert", .removes)],
        "fallocate": [
            row("-p", .removes), row("--punch-hole", .removes), row("-z", .removes), row("-c", .removes),
            row("-d", .writes),
        ],
        "fuser": [row("-k", .removes), row("--kill", .removes)],
        "mysqladmin": [
            row("drop", .removes), row("shutdown", .rights), row("password", .rights), row("flush-privileges", .rights),
        ],
        "dropuser": [row("", .rights)], "createuser": [row("", .rights)], "dropdb": [row("", .removes)],
        "pg_resetwal": [row("", .removes)], "pg_restore": [row("--clean", .removes), row("-c", .removes)],
        "mongorestore": [row("--drop", .removes)], "nvme": [row("format", .removes), row("sanitize", .removes)],
        "lvreduce": [row("", .removes)], "badblocks": [row("-w", .removes)], "sg_format": [row("", .removes)],
        "kafka-topics": [row("--delete", .removes)], "kafka-topics.sh": [row("--delete", .removes)],
        "hg": [
            row("purge", .removes), row("update -c", .removes), row("revert --all", .removes), row("strip", .removes),
            row("update --clean", .removes), row("rollback", .removes),
        ],
        "svn": [
            row("commit", .network), row("ci", .network), row("import", .network), row("revert -r", .removes),
            row("cleanup --remove-unversioned", .removes), row("delete", .removes),
        ],
        "ansible": [
            row("--version", .reads), row("--list-hosts", .reads), row("--check", .writes), row("-m ping", .writes),
            row("", .rights),
        ],
        "ansible-playbook": [
            row("--syntax-check", .reads), row("--list-tasks", .reads), row("--list-hosts", .reads),
            row("--check", .writes),
            row("", .rights),
        ],
        "pass": [
            row("ls", .reads), row("list", .reads), row("rm", .removes), row("insert", .writes),
            row("generate", .writes), row("", .secrets),
        ],
        "op": [row("item list", .reads), row("item", .secrets), row("read", .secrets), row("get", .secrets)],
        "security": [
            row("find-generic-password", .secrets), row("find-internet-password", .secrets),
            row("dump-keychain", .secrets),
        ],
        "bw": [row("get", .secrets), row("list", .secrets), row("export", .secrets)],
        "secret-tool": [row("lookup", .secrets), row("search", .secrets), row("clear", .removes)],
    ]

    private static func contains(_ words: [String], _ wanted: [String]) -> Bool {
        var rest = wanted[...]
        for word in words {
            guard let next = rest.first else { break }
            // Several option letters may follow one dash.
            let isAmong =
                next.utf8.count == 2 && next.hasPrefix("-") && word.hasPrefix("-") && !word.hasPrefix("--")
                && word.utf8.count <= 5 && next.last.map { word.contains($0) } == true
            if word == next || isAmong { rest = rest.dropFirst() }
        }
        return rest.isEmpty
    }

    /// Returns the rule for database statements.
    static func rule(statements text: String) -> ShellRule? {
        let words = words(of: text)
        func has(_ first: String, _ second: Set<String>) -> Bool {
            zip(words, words.dropFirst()).contains { $0 == first && second.contains($1) }
        }
        if words.contains("truncate") || words.contains("vacuum_into") || words.contains("dropdatabase")
            || words.contains("drop")
            || has("delete", ["from"]) || words.first == "delete"
        {
            return .removes
        }
        if has("set", ["global"]) || words.first == "kill" || has("system", ["reload"])
            || words.first == "copy" && !text.hasPrefix("\\") && words.contains("to") && !words.contains("stdout")
        {
            return .rights
        }
        if has("disable", ["trigger", "row"]) || has("no", ["force"]) && words.contains("security") { return .rights }
        if has("local", ["infile"]) || words.contains("xp_cmdshell") || words.contains("load_extension")
            || words.contains("pg_read_file")
            || words.contains("lo_export") || words.contains("load_file") || has("copy", ["program"])
            || has("to", ["program"]) || has("from", ["program"])
            || has("into", ["outfile", "dumpfile"])
        {
            return .dynamic
        }
        // `update NAME set …` without a condition changes all rows.
        let changesAll = words.indices.contains { index in
            words[index] == "update" && index + 2 < words.count && words[index + 1] != "set"
                && words[(index + 2)...].prefix(3).contains("set")
        }
        if changesAll, !words.contains("where") { return .removes }
        // These words concern the servers of a database and their replication.
        let servers: Set = ["master", "slave", "replica", "binary", "group_replication"]
        if ["reset", "stop", "purge", "change"].contains(where: { has($0, servers) }) { return .rights }
        let granted = words.contains("grant") || words.contains("revoke")
        if granted || ["create", "alter"].contains(where: { has($0, ["user", "role", "system", "login"]) }) {
            return .rights
        }
        return nil
    }

    /// Returns whether a text is a database statement that removes something, rather than a sentence.
    static func isStatement(_ text: String) -> Bool {
        let words = words(of: String(text.prefix(200)))
        guard let first = words.first, words.count > 1 else { return false }
        let kinds: Set = ["table", "database", "schema", "index", "view", "user", "column", "collection", "role"]
        return switch first {
        case "drop": kinds.contains(words[1])
        case "truncate": words.count == 2 || words[1] == "table"
        case "delete": words[1] == "from"
        case "update": words.dropFirst(2).prefix(2).contains("set")
        case "grant", "revoke": words.contains("on") || words.contains("to") || words.contains("from")
        default: false
        }
    }

    /// Returns whether database statements only read: they begin with a reading word, contain no changing word, and call no function with
    /// side effects.
    static func looks(statements text: String) -> Bool {
        guard rule(statements: text) == nil else { return false }
        let asking = ShellWords.list("sql-looks")
        let changing = ShellWords.list("sql-changes")
        for part in text.split(separator: ";") {
            let line = part.drop { $0.isWhitespace }
            if line.isEmpty { continue }
            if line.hasPrefix("\\") || line.hasPrefix(".") {
                let name = line.prefix { !$0.isWhitespace }
                let shows = ShellWords.list("psql-shows")
                let dots = ShellWords.list("sqlite-shows")
                guard name.hasPrefix("\\d") || shows.contains(String(name)) || dots.contains(String(name)),
                    !line.contains("|")
                else {
                    return false
                }
                continue
            }
            let words = words(of: String(line))
            guard let first = words.first, asking.contains(first),
                first == "show" || changing.isDisjoint(with: words.dropFirst()),
                !words.contains(where: acts), first != "pragma" || !line.contains("="), !handsOn(line),
                called(in: line).allSatisfy({ functions.contains($0) || $0.hasPrefix("pg_") || $0.hasPrefix("json") })
            else { return false }
        }
        return true
    }

    /// Returns whether a client does more with a result than show it: `\gexec` runs it, `\g |sh` passes it to a shell.
    private static func handsOn(_ line: Substring) -> Bool {
        guard let slash = line.firstIndex(of: "\\") else { return false }
        let rest = line[line.index(after: slash)...]
        return !["gx", "g", "G", "x"].contains(rest.prefix { !$0.isWhitespace }) || rest.contains(" ")
    }

    /// Returns the names before opening brackets, in lower case and outside quotes. A user-defined function may do
    /// anything.
    private static func called(in text: Substring) -> [String] {
        var names: [String] = []
        var name: [UInt8] = []
        var isOpen = false
        var quote: UInt8?
        for byte in text.utf8 {
            if let open = quote {
                if byte == open { quote = nil }
                continue
            }
            switch byte {
            case 0x27, 0x22, 0x60: quote = byte
            case 0x5F, 0x41...0x5A, 0x61...0x7A, 0x30...0x39:
                if isOpen { name = [] }
                isOpen = false
                name.append(byte | ((0x41...0x5A).contains(byte) ? 0x20 : 0))
                continue
            case 0x20, 0x0A, 0x09:
                isOpen = true
                continue
            case 0x28: if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
            default: break
            }
            name = []
            isOpen = false
        }
        return names
    }

    /// Words before brackets that have no side effects in any database.
    private static let functions = ShellWords.list("sql-functions")

    /// Returns whether a name is a database function with side effects.
    private static func acts(_ name: String) -> Bool {
        ShellWords.contains(name, in: "sql-acts")
            || name.hasPrefix("pg_") && !ShellWords.contains(name, in: "sql-server-looks")
    }

    /// Returns whether scripts for a document database only read, because every function that they call does.
    static func looks(script words: [String]) -> Bool {
        let asking = ShellWords.list("mongo-looks")
        var isScript = false
        for word in words {
            if word == "--eval" || word.hasPrefix("--eval=") { isScript = true }
            guard word.contains("(") else { continue }
            var rest = word[...]
            while let open = rest.firstIndex(of: "(") {
                let name = rest[..<open].reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
                if !name.isEmpty, !asking.contains(String(name.reversed()).lowercased()) { return false }
                rest = rest[rest.index(after: open)...]
            }
            if word.contains("$out") || word.contains("$merge") || word.contains("[") && word.contains("](") {
                return false
            }
        }
        return isScript || words.contains { ["--version", "--help"].contains($0) }
    }

    /// Returns the words of statements outside quotes and comments, in lower case.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var quote: UInt8?
        for byte in text.utf8 {
            if let open = quote {
                if byte == open { quote = nil }
                continue
            }
            if byte == 0x27 || byte == 0x22 || byte == 0x60 {
                quote = byte
            } else if byte == 0x5F || (0x41...0x5A).contains(byte & 0xDF) {
                word.append(byte | ((0x41...0x5A).contains(byte) ? 0x20 : 0))
                continue
            }
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
            word = []
        }
        if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }
}

/// Clients of services, clouds and stores by the words that say what they do there: all of a row's words stand in the command, in
/// this order.
enum ClientVerbs {
    /// What the words of a client make of it; `nil` for one that nothing is known of.
    static func rule(_ program: String, _ words: [String]) -> ShellRule? {
        if let rows = table[program] {
            let plain = words.map { $0.lowercased() }
            for row in rows where row.words.isEmpty || contains(plain, row.words) { return row.rule }
            return nil
        }
        guard clouds.contains(program) else { return nil }
        let verbs = words.filter { !$0.hasPrefix("-") }.map { $0.lowercased() }
        if verbs.contains(where: { removing.contains($0) || removingStarts.contains(where: $0.hasPrefix) }) {
            return .removes
        }
        if words.contains("--delete") { return .removes }
        if verbs.contains(where: { handsOut.contains($0) }) || words.contains("--with-decryption") { return .secrets }
        if verbs.contains(where: { granting.contains($0) || grantingStarts.contains(where: $0.hasPrefix) }) {
            return .rights
        }
        if program == "aws", verbs.first == "s3", ["cp", "sync", "mv"].contains(verbs.dropFirst().first ?? ""),
            verbs.last?.hasPrefix("s3://") == true
        {
            return .network
        }
        return nil
    }

    /// Whether a client takes the same words a line each, as what it reads.
    static func readsLines(_ program: String) -> Bool { ["redis-cli", "etcdctl", "mc"].contains(program) }

    /// The programs with which clouds and platforms are managed.
    private static let clouds: Set<String> = [
        "aws", "az", "gcloud", "gsutil", "bq", "doctl", "hcloud", "linode-cli", "oci", "ibmcloud", "aliyun", "flyctl",
        "fly", "heroku", "vercel", "netlify", "wrangler", "firebase", "supabase", "eb", "cf", "scw", "exo", "openstack",
        "nova", "s3cmd", "mc", "azcopy", "b2", "vault", "consul", "nomad", "etcdctl", "rabbitmqctl", "virsh", "lxc",
        "incus", "multipass", "vagrant", "VBoxManage", "zfs", "zpool", "btrfs", "pulumi", "cdk", "serverless", "sls",
        "terragrunt", "eksctl", "kops", "argocd", "flux", "velero", "rancher", "minikube", "kind", "k3d", "okta",
        "auth0", "stripe", "m365", "pac", "databricks",
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
        row("state rm", .removes), row("state push", .removes), row("workspace delete", .removes),
        row("force-unlock", .removes), row("import", .writes), row("taint", .writes), row("output", .reads),
    ]

    private static let table: [String: [(words: [String], rule: ShellRule)]] = [
        "terraform": plans, "tofu": plans,
        "redis-cli": [
            row("flushall", .removes), row("flushdb", .removes), row("shutdown", .removes), row("del", .removes),
            row("unlink", .removes), row("getdel", .removes), row("config set", .rights),
            row("config rewrite", .rights),
            row("module", .rights), row("acl", .rights), row("eval", .dynamic), row("script", .dynamic),
            row("replicaof", .rights), row("slaveof", .rights), row("debug", .rights), row("failover", .rights),
            row("--eval", .dynamic), row("restore", .writes), row("xtrim", .removes), row("ltrim", .removes),
        ],
        "kubectl": [
            row("get secret -o", .secrets), row("get secrets -o", .secrets), row("config view --raw", .secrets),
            row("create token", .secrets),
        ],
        "oc": [row("get secret -o", .secrets), row("get secrets -o", .secrets), row("whoami -t", .secrets)],
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
        ],
        "svn": [row("revert -r", .removes), row("cleanup --remove-unversioned", .removes), row("delete", .removes)],
        "ansible": [row("--list-hosts", .reads), row("--check", .writes), row("-m ping", .writes), row("", .rights)],
        "ansible-playbook": [
            row("--syntax-check", .reads), row("--list-tasks", .reads), row("--list-hosts", .reads),
            row("--check", .writes),
            row("", .rights),
        ],
        "pass": [
            row("ls", .reads), row("list", .reads), row("rm", .removes), row("insert", .writes),
            row("generate", .writes), row("", .secrets),
        ],
        "op": [row("read", .secrets), row("get", .secrets)],
        "security": [
            row("find-generic-password", .secrets), row("find-internet-password", .secrets),
            row("dump-keychain", .secrets),
        ],
        "bw": [row("get", .secrets), row("list", .secrets), row("export", .secrets)],
        "secret-tool": [row("lookup", .secrets), row("search", .secrets), row("clear", .removes)],
        "ip": [
            row("link set", .rights), row("link delete", .rights), row("addr add", .rights), row("addr del", .rights),
            row("addr flush", .rights), row("route add", .rights),
            row("route del", .rights), row("netns exec", .rights),
        ],
    ]

    private static func contains(_ words: [String], _ wanted: [String]) -> Bool {
        var rest = wanted[...]
        for word in words where word == rest.first {
            rest = rest.dropFirst()
        }
        return rest.isEmpty
    }

    /// What statements of a database do.
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
        if words.contains("xp_cmdshell") || words.contains("load_extension") || words.contains("pg_read_file")
            || words.contains("lo_export") || words.contains("load_file") || has("copy", ["program"])
            || has("to", ["program"]) || has("from", ["program"])
            || has("into", ["outfile", "dumpfile"])
        {
            return .dynamic
        }
        let granted = words.contains("grant") || words.contains("revoke")
        if granted || ["create", "alter"].contains(where: { has($0, ["user", "role", "system", "login"]) }) {
            return .rights
        }
        return nil
    }

    /// The words of statements outside of quotes and comments, in small letters.
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

import Testing

/// Passkeys that another implementation made and signed with (Python's cryptography), one for each algorithm.
struct PasskeySample: Sendable, CustomTestStringConvertible {
    let algorithm: String
    let id: String
    let creation: String
    let assertion: String
    let signature: String

    var testDescription: String { algorithm }

    static let all = [
        PasskeySample(
            algorithm: "ES256", id: "iuewtA5avoZw1sUFAGJZVw",
            creation: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAQAAAAAAAAAAAAAAAAAAAAAAEIrnsLQOWr6GcNbFBQBiWVel"
                + "AQIDJiABIVgg6QM47Z0eZXP33WU7l6a2LnPZaq8rdcFoy8pLibYudbgiWCAMtB07Fvv6okTSlpVMwgLDubaKZpEgIMK_VM9n"
                + "n16_hQ",
            assertion: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg",
            signature: "MEQCIFijnvnBvsCt7CczuzYuqOxUFf26KWy7HAavHbmYptSrAiB5F9iSDabyD7jZ6k_AQrx9EhdCeSPCfuPTjYajdIwPFQ"),
        PasskeySample(
            algorithm: "EdDSA", id: "5kWanWHeaAUh6CnXgJmEFQ",
            creation: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAQAAAAAAAAAAAAAAAAAAAAAAEOZFmp1h3mgFIegp14CZhBWk"
                + "AQEDJyAGIVgg25dnt7WxNVo1vWbbjUpEzaauwFBOgegX63ieXSZex3E",
            assertion: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg",
            signature: "fpUCh5U17GrWhWMKipz30dibe8C2clQix5To40beuFtLsRiKvcZK4NW7IJEJ9dGg-_Yr3gKu-PvQ63rGo0cxDQ"),
        PasskeySample(
            algorithm: "RS256", id: "criF2FM29rTvc7HfcSXvjw",
            creation: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NFAAAAAQAAAAAAAAAAAAAAAAAAAAAAEHK4hdhTNva073Ox33El74-k"
                + "AQMDOQEAIFkBALB2aRHvpeHDWOz_xwxHkmdzwVA9pS4oMmSk3M2T9zlDYEbfBzGnNWW5xXXr1VpQFjXnVeIAMVxQsRpbr49n"
                + "Kykxl-ldZxQNV6vZF_syowu_zjNAdGvDw1LKEuDpLHwNJtUcJIjNDeU1OIjXwbjjVYgGOvMcG9wF1fjvbbOAJkvqs9e7KrkV"
                + "YvhwJrW1XIWxKrGlLjI0LbH7aX_wfwqR2TluncLIZ2pZPCRLUR_JOyXFGlgFGDA_XhutvA7yw3xMJmiCeJdd6cBc2ih1W1Vy"
                + "3RrxzBUGcyUUEhbMtPGTLMRHa-JKTbZYH4iZnrkpcJOM0UN67pbRLbdIuoTratRmR0shQwEAAQ",
            assertion: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAg",
            signature:
                "ShtpmYJj4w0Kij7SV5pXTlyywplJ7u2pgchhpe8cx_AajxBUtKP7p_lRnkPVY65RGOId1ZtZ5jwilhUo0U1gReBjrL1sChxg"
                + "U2KwyLPPlLPUAg4m6L3VeVQuTCmYlIRMYN1edV27C7Y06E3ueeZBdnms7QnRxHGeEi9TyeqzhMPgxo91ykj7y0zTaBbhGVh7"
                + "n4YLLyJVWNzu8dj5zfhgRxX-a8KyZurLPlPMDvSaoebYVuZcMfSEBES53ElNCNXpILY5ibAOxKvOOdCPyTmFjzhWCfpkocq7"
                + "k0hMQwNSc6n4dvfizt-erbI4RWQqFfPi0NISfGaGQH-mqC90yYf5Cg"),
    ]
}

import MMServing

MCPMain.main()

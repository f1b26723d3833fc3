$SiteURL = "https://contoso-sandbox.sharepoint.com/sites/hr"
Connect-PnPOnline -Url $SiteURL -Interactive
Get-PnPList | Select-Object Title, ItemCount, LastItemUserModifiedDate
Disconnect-PnPOnline

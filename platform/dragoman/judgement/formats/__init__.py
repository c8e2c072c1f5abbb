"""Formats of campaigns and judgements: Pearmut, Appraise, and the tables of MQM and of error span annotation."""
